namespace FlashSale.Simulation.Scheduling;

/// <summary>A process's clocks: its wall clock may be set in both directions, its timestamps only go on.</summary>
internal sealed class VirtualTime(Domain domain) : TimeProvider
{
    /// <summary>10:00 on 1 March 2027.</summary>
    public static readonly DateTimeOffset Origin = new(2027, 3, 1, 10, 0, 0, TimeSpan.Zero);

    /// <summary>How far the wall clock is from the true time.</summary>
    public TimeSpan Skew { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Origin + domain.Scheduler.Now + Skew;

    public override long GetTimestamp() => domain.Scheduler.Now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(domain, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}

/// <summary>Fires once, in its domain. Disposing or changing it takes back a firing that has not begun.</summary>
internal sealed class VirtualTimer(Domain domain, TimerCallback callback, object? state) : ITimer
{
    private const long NotSet = -1;

    public TimeSpan Due { get; private set; }

    /// <summary>Tells the setting that counts from earlier ones, which stay in the scheduler's queue.</summary>
    public long Order { get; set; } = NotSet;

    public void Elapse()
    {
        var order = Order;
        domain.Post(_ => Fire(order), null);
    }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        if (period != Timeout.InfiniteTimeSpan && period != TimeSpan.Zero)
            throw new NotSupportedException("timers of the simulation fire once");
        Order = NotSet;
        if (dueTime == Timeout.InfiniteTimeSpan)
            return true;
        Due = domain.Scheduler.Now + dueTime;
        domain.Scheduler.Add(this);
        return true;
    }

    public void Dispose() => Order = NotSet;

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private void Fire(long order)
    {
        if (order == Order)
            callback(state);
    }
}
