namespace FlashSale.Core.Door;

/// <summary>
/// Tells how many commands of a partition may wait so that one more is still decided in time: as many as are decided within
/// <see cref="DoorOptions.DecisionLagMax"/>, at the pace at which decisions of this node's commands come.
/// </summary>
/// <remarks>
/// That pace is the engine's own only while it has more to do than it can: before that it is the pace of the callers, and to measure the first seconds of a
/// sale by the quiet before them would refuse everybody. So nothing is limited before decisions have come late for a while.
/// It is looked at only when decisions come. A pause without any (a takeover, a rebuild, Redis away) changes nothing: what is accepted meanwhile is decided
/// after it, and of a long pause only the beginning counts as time in which nothing was decided. For one caller at a time; <see cref="UndecidedMax"/> for any.
/// </remarks>
internal sealed class DecisionLag(DoorOptions options, TimeProvider time)
{
    /// <summary>A decision is late from this part of the bound on; a pause counts up to this part of it.</summary>
    private const int LatePart = 4;

    /// <summary>Decisions must have been late for this part of the bound: after a pause that is long enough to have caught up, as a rule.</summary>
    private const int PatiencePart = 4;

    /// <summary>
    /// So few commands are decided in one call: one more delays nobody, and that they are late says that a call is slow, not that there are too many. Without
    /// this the pace of a few callers, who are all decided at their own pace, would be taken for the engine's.
    /// </summary>
    private const int UndecidedMin = 250;

    /// <summary>In the pace, what happened this long ago counts 1/e.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(0.5);

    private long _undecidedMax = long.MaxValue;
    private long _decidedAt = time.GetTimestamp();
    private long? _lateSince;
    private double _commands;
    private double _seconds;

    /// <summary>Further commands would be decided too late while this many are undecided.</summary>
    public long UndecidedMax => Volatile.Read(ref _undecidedMax);

    /// <summary>Commands of this node have been decided now that were appended at that time stamp.</summary>
    public void Decided(int commands, long appendedAt)
    {
        var bound = options.DecisionLagMax;
        if (bound == TimeSpan.Zero)
            return;
        var now = time.GetTimestamp();
        var passed = time.GetElapsedTime(_decidedAt, now);
        Count(commands, passed < bound / LatePart ? passed : bound / LatePart);
        _decidedAt = now;
        if (time.GetElapsedTime(appendedAt, now) < bound / LatePart)
            _lateSince = null;
        else
            _lateSince ??= now;
        var isBehind = _lateSince is { } since && time.GetElapsedTime(since, now) >= bound / PatiencePart;
        Volatile.Write(ref _undecidedMax, isBehind ? Math.Max(UndecidedMin, (long)(_commands / _seconds * bound.TotalSeconds)) : long.MaxValue);
    }

    private void Count(int commands, TimeSpan passed)
    {
        var kept = Math.Exp(-passed / Memory);
        _commands = _commands * kept + commands;
        _seconds = _seconds * kept + passed.TotalSeconds;
    }
}
