namespace FlashSale.Core.Audit;

/// <summary>What must hold of a sale; the same names in the simulation, the audit and the runs with faults.</summary>
public enum Invariant
{
    /// <summary>issued &lt;= quantity at every address of the log.</summary>
    I1 = 1,

    /// <summary>No coupon is issued to a user who at that address already holds perUser.</summary>
    I2 = 2,

    /// <summary>Every acknowledged claim has exactly one outcome, and no outcome exists without a command in the log.</summary>
    I3 = 3,

    /// <summary>Outcomes are those of the model run over the log, in the order of the log.</summary>
    I4 = 4,

    /// <summary>The ledger holds the outcomes: issued coupons row by row, refusals as counts, each once.</summary>
    I5 = 5,

    /// <summary>The same ticket never gets two different final answers.</summary>
    I6 = 6,

    /// <summary>Redis' state is the model's state at the applied offset.</summary>
    I7 = 7,

    /// <summary>None is refused as sold out while issued &lt; quantity.</summary>
    I8 = 8,

    /// <summary>After the last fault the lag returns to 0.</summary>
    I9 = 9,
}

/// <summary>Something that is not as it must be.</summary>
/// <param name="Source">Who says it: <c>events</c>, <c>redis</c>, <c>ledger</c> or <c>told</c>.</param>
/// <param name="Where">An address (partition:offset:index), a record (partition:offset) or a partition.</param>
public sealed record Difference(Invariant Invariant, string Source, string Where, string What, string Expected, string Found)
{
    public override string ToString() => $"{Invariant} {Source} {Where}: {What}: expected {Expected}, found {Found}";
}

/// <summary>The differences of an audit: all are counted, the first ones are kept. For several threads.</summary>
public sealed class Differences
{
    /// <summary>A log and a ledger that have nothing to do with each other differ in every row.</summary>
    public const int KeptMax = 1_000;

    private readonly Lock _gate = new();
    private readonly List<Difference> _first = [];
    private readonly SortedDictionary<Invariant, long> _counts = [];

    public long Count
    {
        get
        {
            lock (_gate)
                return _counts.Values.Sum();
        }
    }

    public IReadOnlyList<Difference> First
    {
        get
        {
            lock (_gate)
                return [.. _first];
        }
    }

    public IReadOnlyDictionary<Invariant, long> Counts
    {
        get
        {
            lock (_gate)
                return new SortedDictionary<Invariant, long>(_counts);
        }
    }

    internal void Add(Invariant invariant, string source, object where, string what, object expected, object found)
    {
        lock (_gate)
        {
            _counts[invariant] = _counts.GetValueOrDefault(invariant) + 1;
            if (_first.Count < KeptMax)
                _first.Add(new Difference(invariant, source, $"{where}", what, $"{expected}", $"{found}"));
        }
    }
}
