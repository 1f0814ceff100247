using FlashSale.Simulation.Scheduling;

namespace FlashSale.Simulation.Chaos;

/// <summary>
/// Says at each effect whether it goes wrong. A run has about half of the kinds, some often and some rarely, so that each
/// fault also happens where others do not hide what it does.
/// </summary>
internal sealed class FaultPlan
{
    private const FaultKind FirstFromOutside = FaultKind.LogAway;

    /// <summary>The longest that an effect takes to happen.</summary>
    public static readonly TimeSpan SlowMax = TimeSpan.FromSeconds(4);

    private static readonly FaultKind[] Kinds = Enum.GetValues<FaultKind>();
    private static readonly double[] Frequencies = [0.005, 0.02, 0.08];

    private readonly SeededRandom _random;
    private readonly double[] _frequency = new double[Kinds.Length];

    public FaultPlan(SeededRandom random)
    {
        _random = random;
        foreach (var kind in Kinds)
        {
            if (!random.Chance(0.5))
                continue;
            // What is left out is noticed only if more than one record is read at a time, and somebody else has to be behind: seldom enough.
            // Each crash costs seconds until others have noticed; with too many nothing else would be seen.
            _frequency[(int)kind] = kind switch
            {
                FaultKind.RecordSkipped => 0.3,
                FaultKind.CrashBefore or FaultKind.CrashAfter => 0.005,
                _ => random.Of(Frequencies),
            };
        }
    }

    /// <summary>Faults happen as long as this is set.</summary>
    public bool IsActive { get; set; } = true;

    /// <summary>The kinds that happen from outside in this run.</summary>
    public IReadOnlyList<FaultKind> FromOutside => [.. Kinds.Where(k => k >= FirstFromOutside && _frequency[(int)k] > 0)];

    /// <summary>Whether this kind happens in this run at all.</summary>
    public bool Has(FaultKind kind) => _frequency[(int)kind] > 0;

    public bool Strikes(FaultKind kind) => IsActive && _frequency[(int)kind] > 0 && _random.Chance(_frequency[(int)kind]);

    /// <summary>How long an effect takes to happen.</summary>
    public TimeSpan Latency() => Strikes(FaultKind.Slow)
        ? _random.Between(TimeSpan.FromSeconds(0.1), SlowMax)
        : _random.Between(TimeSpan.FromMilliseconds(0.1), TimeSpan.FromMilliseconds(12));
}
