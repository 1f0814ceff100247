namespace FlashSale.Cli.Storm;

/// <summary>
/// What a storm measures. Latencies count from the intended send time, in a closed loop from the send time; those of claims of the
/// warm-up count in the series alone.
/// </summary>
internal sealed class StormMeters
{
    private readonly StormClock _clock;
    private readonly Schedule _schedule;
    private readonly TimeSpan _warmUp;
    private readonly TimeSpan[]? _sentAt;
    private readonly LatencyHistogram[] _latencies = [new(), new(), new()];
    private long _lagMax;
    private long _lastSent;
    private long _lastAnswer;

    public StormMeters(StormClock clock, Schedule schedule, TimeSpan warmUp, bool closedLoop = false)
    {
        _clock = clock;
        _schedule = schedule;
        _warmUp = warmUp;
        _sentAt = closedLoop ? new TimeSpan[schedule.Count] : null;
    }

    public SecondSeries Series { get; } = new();

    /// <summary>How much later than intended claims were sent, all of them; nothing in a closed loop.</summary>
    public LatencyHistogram Behind { get; } = new();

    /// <summary>When the latest claim was sent.</summary>
    public TimeSpan LastSent => TimeSpan.FromTicks(Interlocked.Read(ref _lastSent));

    /// <summary>How long answers of the door have come whose latencies count.</summary>
    public TimeSpan Measured => TimeSpan.FromTicks(Math.Max(0, Interlocked.Read(ref _lastAnswer) - _warmUp.Ticks));

    /// <summary>Latencies of these answers, without those of the warm-up.</summary>
    public LatencyHistogram Of(AnswerKind kind) => _latencies[(int)kind];

    /// <summary>The longest lag since this was last asked.</summary>
    public TimeSpan TakeLag() => TimeSpan.FromTicks(Interlocked.Exchange(ref _lagMax, 0));

    /// <summary>A claim is about to be sent for the first time.</summary>
    public void Sending(int slot)
    {
        TimeSpan now = _clock.Elapsed;
        Interlocked.Exchange(ref _lastSent, now.Ticks);
        Series.Offered(now);
        if (_sentAt is not null)
        {
            _sentAt[slot] = now;
            return;
        }
        TimeSpan lag = now - _schedule.IntendedAt(slot);
        Behind.Record(lag);
        long max;
        while (lag.Ticks > (max = Interlocked.Read(ref _lagMax)))
            Interlocked.CompareExchange(ref _lagMax, lag.Ticks, max);
    }

    public void Answered(AnswerKind kind, int slot)
    {
        TimeSpan now = _clock.Elapsed;
        TimeSpan due = _sentAt is null ? _schedule.IntendedAt(slot) : _sentAt[slot];
        Series.Record(kind, now, now - due);
        if (due < _warmUp)
            return;
        Of(kind).Record(now - due);
        if (kind != AnswerKind.Decided)
            Interlocked.Exchange(ref _lastAnswer, now.Ticks);
    }

    /// <summary>A claim was given up.</summary>
    public void Lost() => Series.Unknown(_clock.Elapsed);
}
