namespace FlashSale.Cli.Storm;

/// <summary>What a storm measures; latencies count from the intended send time, and not for claims of the warm-up.</summary>
internal sealed class StormMeters(StormClock clock, Schedule schedule, TimeSpan warmUp)
{
    private long _lagMax;
    private long _lastSent;

    /// <summary>Until the 202.</summary>
    public LatencyHistogram Accepted { get; } = new();

    /// <summary>Until a refusal at the door.</summary>
    public LatencyHistogram RefusedAtDoor { get; } = new();

    /// <summary>Until the caller has learnt the decision, for the sampled claims.</summary>
    public LatencyHistogram Decided { get; } = new();

    /// <summary>How much later than intended claims were sent, all of them.</summary>
    public LatencyHistogram Behind { get; } = new();

    /// <summary>When the latest claim was sent.</summary>
    public TimeSpan LastSent => TimeSpan.FromTicks(Interlocked.Read(ref _lastSent));

    /// <summary>The longest lag since this was last asked.</summary>
    public TimeSpan TakeLag() => TimeSpan.FromTicks(Interlocked.Exchange(ref _lagMax, 0));

    public void Sending(int slot)
    {
        TimeSpan now = clock.Elapsed;
        TimeSpan lag = now - schedule.IntendedAt(slot);
        Interlocked.Exchange(ref _lastSent, now.Ticks);
        Behind.Record(lag);
        long max;
        while (lag.Ticks > (max = Interlocked.Read(ref _lagMax)))
            Interlocked.CompareExchange(ref _lagMax, lag.Ticks, max);
    }

    public void Record(LatencyHistogram histogram, int slot)
    {
        TimeSpan intended = schedule.IntendedAt(slot);
        if (intended >= warmUp)
            histogram.Record(clock.Elapsed - intended);
    }
}
