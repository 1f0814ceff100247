using FlashSale.Cli.Http;

namespace FlashSale.Cli.Storm;

/// <summary>
/// The other kind of load: a fixed number of callers, each of whom claims again as soon as the last claim is answered. It finds the
/// highest throughput; its latencies say little, because a slow server is asked less often.
/// </summary>
internal sealed class ClosedLoop(int callers, TimeSpan? length, int claims, StormClock clock, LanePool pool, DelayQueue delays)
{
    /// <summary>Claims per second that room is made for where the length is given in time: more than one machine can answer.</summary>
    public const double RateMax = 100_000;

    // A caller whom nobody answers does not use up the claims of all the others.
    private static readonly TimeSpan PauseWithoutAnswer = TimeSpan.FromMilliseconds(100);

    private int _next;
    private int _ended;
    private volatile bool _stopped;

    /// <summary>Every caller has had the last answer.</summary>
    public bool IsOver => Volatile.Read(ref _ended) == callers;

    public void Start()
    {
        for (int caller = 0; caller < callers; caller++)
            Next(answered: true);
    }

    public void Stop() => _stopped = true;

    /// <summary>A caller's claim has come to its end: the next one, unless it is over.</summary>
    public void Next(bool answered)
    {
        if (_stopped || clock.Elapsed >= length || Interlocked.Increment(ref _next) is var taken && taken > claims)
            Interlocked.Increment(ref _ended);
        else if (answered)
            pool.Submit(taken - 1);
        else
            delays.Add(pool, taken - 1, PauseWithoutAnswer);
    }
}
