namespace FlashSale.Cli.Storm;

/// <summary>What an answer was about.</summary>
internal enum AnswerKind
{
    /// <summary>The 202.</summary>
    Accepted,

    /// <summary>A refusal at the door.</summary>
    RefusedAtDoor,

    /// <summary>The decision, as its caller learnt it.</summary>
    Decided,
}

/// <summary>One second of a storm. Answers are counted when they come, latencies are in milliseconds and null where there was no answer of the kind.</summary>
/// <param name="Second">Since the first claim was due; the warm-up is included.</param>
/// <param name="Unknown">Claims that were given up without a clear answer.</param>
internal sealed record SecondRow(
    int Second, long Offered, long Accepted, long RefusedAtDoor, long Unknown, long Decided,
    double? AcceptedP50, double? AcceptedP99, double? RefusedP50, double? RefusedP99, double? DecidedP50, double? DecidedP99);

/// <summary>
/// Counts and latencies second by second. Only the current second has histograms; a second that has been over for a whole one
/// keeps its percentiles alone, so that a storm of hours costs some 100 bytes a second.
/// Protocol: the lock guards the list of cells; a cell counts with atomic operations. Who is more than a second late is counted, without a latency.
/// </summary>
internal sealed class SecondSeries
{
    // Longer than a day; later seconds are not recorded.
    private const int SecondsMax = 100_000;

    private readonly Lock _gate = new();
    private readonly List<Cell> _cells = [];
    private volatile Cell? _current;

    public void Offered(TimeSpan now)
    {
        if (CellOf(now) is { } cell)
            Interlocked.Increment(ref cell.Offered);
    }

    public void Unknown(TimeSpan now)
    {
        if (CellOf(now) is { } cell)
            Interlocked.Increment(ref cell.Unknown);
    }

    public void Record(AnswerKind kind, TimeSpan now, TimeSpan latency) => CellOf(now)?.Record(kind, latency);

    /// <summary>The seconds so far; to be asked when the storm is over, or for a picture of it that is slightly older.</summary>
    public IReadOnlyList<SecondRow> Rows()
    {
        lock (_gate)
            return [.. _cells.Select((cell, second) => cell.ToRow(second))];
    }

    private Cell? CellOf(TimeSpan now)
    {
        int second = Math.Max(0, (int)Math.Min(SecondsMax, now.TotalSeconds));
        Cell? current = _current;
        if (current?.Second == second)
            return current;
        if (second == SecondsMax)
            return null;
        lock (_gate)
        {
            while (_cells.Count <= second)
            {
                _cells.Add(new Cell(_cells.Count));
                if (_cells.Count > 2)
                    _cells[^3].Close();
            }
            _current = _cells[^1];
            return _cells[second];
        }
    }

    private sealed class Cell(int second)
    {
        private static readonly int Kinds = Enum.GetValues<AnswerKind>().Length;
        private readonly long[] _counts = new long[Kinds];
        private readonly (double P50, double P99)?[] _closed = new (double, double)?[Kinds];
        private LatencyHistogram?[]? _histograms = new LatencyHistogram?[Kinds];

        public long Offered;
        public long Unknown;

        public int Second { get; } = second;

        public void Record(AnswerKind kind, TimeSpan latency)
        {
            Interlocked.Increment(ref _counts[(int)kind]);
            if (Volatile.Read(ref _histograms) is not { } histograms)
                return;
            LatencyHistogram histogram = histograms[(int)kind] ?? Create(ref histograms[(int)kind]);
            histogram.Record(latency);
        }

        public void Close()
        {
            LatencyHistogram?[] histograms = _histograms!;
            for (int kind = 0; kind < Kinds; kind++)
                _closed[kind] = Percentiles(histograms[kind]);
            Volatile.Write(ref _histograms, null);
        }

        public SecondRow ToRow(int number)
        {
            (double P50, double P99)?[] found = _histograms is { } open ? [.. open.Select(Percentiles)] : _closed;
            (double P50, double P99)? accepted = found[(int)AnswerKind.Accepted], refused = found[(int)AnswerKind.RefusedAtDoor], decided = found[(int)AnswerKind.Decided];
            return new SecondRow(
                number, Interlocked.Read(ref Offered), Count(AnswerKind.Accepted), Count(AnswerKind.RefusedAtDoor), Interlocked.Read(ref Unknown), Count(AnswerKind.Decided),
                accepted?.P50, accepted?.P99, refused?.P50, refused?.P99, decided?.P50, decided?.P99);
        }

        private long Count(AnswerKind kind) => Interlocked.Read(ref _counts[(int)kind]);

        private static LatencyHistogram Create(ref LatencyHistogram? place)
        {
            Interlocked.CompareExchange(ref place, new LatencyHistogram(), null);
            return place;
        }

        private static (double P50, double P99)? Percentiles(LatencyHistogram? histogram) =>
            histogram is null || histogram.Count == 0 ? null : (histogram.Percentile(0.5).TotalMilliseconds, histogram.Percentile(0.99).TotalMilliseconds);
    }
}
