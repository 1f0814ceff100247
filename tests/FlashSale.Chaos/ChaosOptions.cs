using FlashSale.Chaos.Faults;

namespace FlashSale.Chaos;

/// <summary>What one run does; checked by the command line before it gets here.</summary>
internal sealed record ChaosOptions
{
    public required TimeSpan Duration { get; init; }

    public required int Seed { get; init; }

    public required IReadOnlyList<FaultKind> Faults { get; init; }

    /// <summary>Claims a second.</summary>
    public required int Rate { get; init; }

    /// <summary>The folder of the run's report and logs; does not exist yet.</summary>
    public required string Folder { get; init; }

    public int? FirstPort { get; init; }
}
