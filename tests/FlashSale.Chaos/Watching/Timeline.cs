using System.Diagnostics;

namespace FlashSale.Chaos.Watching;

/// <summary>How far things were at a moment.</summary>
/// <param name="Accepted">Commands in the log.</param>
/// <param name="Decided">Commands whose outcomes are told.</param>
/// <param name="Unwritten">Command records whose outcomes are not in the ledger; -1: the database does not answer.</param>
internal sealed record Sample(double Seconds, long Accepted, long Decided, long Unwritten)
{
    public long Lag => Accepted - Decided;
}

/// <summary>A fault as it was: from the first blow until what it broke served again.</summary>
internal sealed class FaultSpan(string name, double from)
{
    public string Name => name;

    public double From => from;

    /// <summary>Null while it goes on.</summary>
    public double? To { get; set; }

    public string? Detail { get; set; }
}

/// <summary>What happened when. May be written and read by any thread.</summary>
internal sealed class Timeline
{
    private readonly Lock _gate = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<Sample> _samples = [];
    private readonly List<FaultSpan> _faults = [];

    public TimeSpan Elapsed => _clock.Elapsed;

    public IReadOnlyList<Sample> Samples
    {
        get
        {
            lock (_gate)
                return [.. _samples];
        }
    }

    public IReadOnlyList<FaultSpan> Faults
    {
        get
        {
            lock (_gate)
                return [.. _faults];
        }
    }

    public void Add(Sample sample)
    {
        lock (_gate)
            _samples.Add(sample);
    }

    public FaultSpan Begin(string fault)
    {
        lock (_gate)
        {
            var span = new FaultSpan(fault, Elapsed.TotalSeconds);
            _faults.Add(span);
            return span;
        }
    }

    public void End(FaultSpan span, string? detail)
    {
        lock (_gate)
        {
            span.To = Elapsed.TotalSeconds;
            span.Detail = detail;
        }
    }
}
