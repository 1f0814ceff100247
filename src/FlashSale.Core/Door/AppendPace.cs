namespace FlashSale.Core.Door;

/// <summary>
/// Paces the appends of a node, all partitions together: each costs Kafka and everything behind it about as much as the other, however few commands
/// it holds, so a node that serves many partitions lets each of them gather for longer. So does a node that is not the only one to append: else two
/// would make twice as many records of half the size. Partitions that have to wait append in rounds, all at the same time: whoever reads them then gets
/// the records of a round by one fetch, and is woken once. Where the machine has enough to do already, partitions gather for longer as well: what records
/// cost is then what claims lack. May be called by any thread.
/// </summary>
public sealed class AppendPace(DoorOptions options, TimeProvider time)
{
    /// <summary>Appends that may begin at the same time after a quiet time.</summary>
    private const int Burst = 16;

    /// <summary>A partition waits for no more than so many of <see cref="DoorOptions.AppendInterval"/>.</summary>
    private const int IntervalsMax = 8;

    /// <summary>
    /// So many commands need not gather for longer than <see cref="DoorOptions.AppendInterval"/>: what their record costs is little for each. It is a count and no
    /// time, as callers who wait for the answer to their last command send no other one, however long the record waits for it (docs/architecture.md).
    /// </summary>
    public const int CommandsEnough = 250;

    /// <summary>On a machine that has as much to do as it can, the appends of a partition are up to this many of <see cref="DoorOptions.AppendInterval"/> apart.</summary>
    private const int BusyIntervals = 3;

    /// <summary>
    /// Until half of a record's callers are answered passes this part of the time in which the record gathered where partitions begin to gather for longer, and
    /// where they do so for the longest. On two cores it was 0.03 to 0.2 up to half of the load that they could carry, and 0.3 to 0.5 from three quarters of it on.
    /// </summary>
    private const double BusyFrom = 0.25, BusyTo = 0.5;

    /// <summary>What one record adds to the mean of that part, at most: one that was held up says little.</summary>
    private const double BusyWeightMax = 1.0 / 8;

    /// <summary>
    /// The least share of the rate that a node takes, however much others append. Not below a half: of two nodes the one that appends less may then take
    /// more than it does, so that they come to equal parts, whereas by shares as they are each would keep to what it happens to have.
    /// </summary>
    private const double ShareMin = 0.5;

    /// <summary>Fewer records than that, of all nodes, say nothing.</summary>
    private const double RecordsMin = 20;

    /// <summary>In the share, what happened this long ago counts 1/e.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(1);

    /// <summary>The same in how busy the machine is.</summary>
    private static readonly TimeSpan BusyMemory = TimeSpan.FromSeconds(0.25);

    private readonly Lock _gate = new();
    private readonly long _gap = options.AppendRate == 0 ? 0 : time.TimestampFrequency / options.AppendRate;
    private long _next = long.MinValue;
    private long _round = long.MinValue;
    private long _countedAt = time.GetTimestamp();
    private double _appended;
    private double _decided;
    private long _busyAt = time.GetTimestamp();
    private double _busy;

    /// <summary>
    /// Time from the beginning of a partition's last append within which fewer than <see cref="CommandsEnough"/> wait for more:
    /// <see cref="DoorOptions.AppendInterval"/>, or up to three of it where the machine is busy.
    /// </summary>
    public TimeSpan GatherMax()
    {
        lock (_gate)
        {
            var busy = _busy * Math.Exp(-time.GetElapsedTime(_busyAt) / BusyMemory);
            return options.AppendInterval * (1 + (BusyIntervals - 1) * Math.Clamp((busy - BusyFrom) / (BusyTo - BusyFrom), 0, 1));
        }
    }

    /// <summary>Half of the callers of a record are answered now.</summary>
    /// <param name="appendedAt">Time stamp at which the log had acknowledged it.</param>
    /// <param name="period">In which it had gathered.</param>
    public void HalfAnswered(long appendedAt, TimeSpan period)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var took = time.GetElapsedTime(appendedAt, now);
            var kept = Math.Exp(-time.GetElapsedTime(_busyAt, now) / BusyMemory);
            _busy = _busy * kept + Math.Min(1 - kept, BusyWeightMax) * (took < period ? took / period : 1);
            _busyAt = now;
        }
    }

    /// <summary>Takes a place for the next append of a partition; yields how long it has to wait for that.</summary>
    /// <param name="round">The round of the partition's last place, which has only one for it, even if timers let it begin too early; becomes that of this place.</param>
    public TimeSpan Take(ref long round)
    {
        if (_gap == 0)
            return TimeSpan.Zero;
        var now = time.GetTimestamp();
        var latest = now + (long)(IntervalsMax * options.AppendInterval.TotalSeconds * time.TimestampFrequency);
        lock (_gate)
        {
            var gap = (long)(_gap / Share());
            if (_round <= now || _round == round)
                _round = _next = Math.Clamp(_next, now - Burst * gap, latest);
            _next += gap;
            round = _round;
            return _round <= now ? TimeSpan.Zero : time.GetElapsedTime(now, _round);
        }
    }

    /// <summary>A record of this node is in the log.</summary>
    public void Appended() => Count(1, 0);

    /// <summary>A record, of this node or another one, is known to be decided.</summary>
    public void Decided() => Count(0, 1);

    private void Count(int appended, int decided)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var kept = Math.Exp(-time.GetElapsedTime(_countedAt, now) / Memory);
            _appended = _appended * kept + appended;
            _decided = _decided * kept + decided;
            _countedAt = now;
        }
    }

    /// <summary>The part of all records that this node has appended.</summary>
    private double Share() => _decided < RecordsMin ? 1 : Math.Clamp(_appended / _decided, ShareMin, 1);
}
