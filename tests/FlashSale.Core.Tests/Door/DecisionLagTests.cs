using FlashSale.Core.Door;

namespace FlashSale.Core.Tests.Door;

public sealed class DecisionLagTests
{
    /// <summary>As a storm makes records.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(4);

    private readonly ManualTime _time = new();
    private readonly DoorOptions _options = new() { DecisionLagMax = TimeSpan.FromSeconds(0.8) };
    private readonly Queue<(int Commands, long At)> _undecided = [];
    private readonly DecisionLag _lag;

    public DecisionLagTests() => _lag = new DecisionLag(_options, _time);

    [Fact]
    public void SpikeAfterQuiet_DecidedAsItComes_LimitsNothing()
    {
        Run(seconds: 3, offered: 1, decided: 1);
        AssertNeverLimited(seconds: 2, offered: 200, decided: 200);
    }

    [Fact]
    public void MoreThanIsDecided_LimitsToWhatIsDecidedInTime()
    {
        Run(seconds: 1, offered: 20, decided: 20);
        Run(seconds: 0.35, offered: 60, decided: 20);
        Assert.Equal(long.MaxValue, _lag.UndecidedMax);
        Run(seconds: 0.35, offered: 60, decided: 20);
        // 20 in 4 ms, for 0.8 s.
        Assert.InRange(_lag.UndecidedMax, 3_800, 4_200);
    }

    [Fact]
    public void RefusedAboveTheLimit_EverythingAcceptedIsDecidedWithinTheBound()
    {
        Run(seconds: 1, offered: 20, decided: 20);
        var longest = TimeSpan.Zero;
        for (var step = 0; step < 2_500; step++)
        {
            Offer(_undecided.Sum(u => u.Commands) >= _lag.UndecidedMax ? 0 : 60);
            longest = Max(longest, Decide(20));
        }

        Assert.InRange(longest, TimeSpan.FromSeconds(0.6), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void LoadIsOver_LimitsNothingAgain()
    {
        Run(seconds: 1, offered: 60, decided: 20);
        Assert.NotEqual(long.MaxValue, _lag.UndecidedMax);
        Run(seconds: 3, offered: 0, decided: 20);
        Assert.Empty(_undecided);
        AssertNeverLimited(seconds: 1, offered: 20, decided: 20);
    }

    [Fact]
    public void PauseThenCaughtUp_LimitsNothing()
    {
        Run(seconds: 2, offered: 40, decided: 40);
        AssertNeverLimited(seconds: 3, offered: 40, decided: 0);
        AssertNeverLimited(seconds: 1, offered: 40, decided: 2_000);
    }

    [Fact]
    public void LongPauseThenSlow_LimitsToThePaceOfNow()
    {
        Run(seconds: 2, offered: 40, decided: 40);
        Run(seconds: 20, offered: 40, decided: 0);
        Assert.Equal(long.MaxValue, _lag.UndecidedMax);
        Run(seconds: 1.5, offered: 0, decided: 80);
        // 80 in 4 ms, for 0.8 s; the pause and what was before it are nearly forgotten.
        Assert.InRange(_lag.UndecidedMax, 13_000, 16_000);
    }

    [Fact]
    public void FewAndSlow_ManyMoreMayCome()
    {
        // A few callers on a slow machine: late each time, though nobody is in front of them.
        for (var claim = 0; claim < 20; claim++)
        {
            Offer(1);
            _time.Advance(TimeSpan.FromSeconds(0.3));
            Decide(1);
            Assert.InRange(_lag.UndecidedMax, 250, long.MaxValue);
        }
    }

    [Fact]
    public void BoundIsZero_LimitsNothing()
    {
        _options.DecisionLagMax = TimeSpan.Zero;
        AssertNeverLimited(seconds: 3, offered: 60, decided: 20);
    }

    private void AssertNeverLimited(double seconds, int offered, int decided) =>
        Run(seconds, offered, decided, () => Assert.Equal(long.MaxValue, _lag.UndecidedMax));

    /// <summary>So many commands in each 4 ms are appended, and at most so many decided.</summary>
    private void Run(double seconds, int offered, int decided, Action? check = null)
    {
        for (var step = 0; step < TimeSpan.FromSeconds(seconds) / Interval; step++)
        {
            Offer(offered);
            Decide(decided);
            check?.Invoke();
        }
    }

    private void Offer(int commands)
    {
        if (commands > 0)
            _undecided.Enqueue((commands, _time.GetTimestamp()));
        _time.Advance(Interval);
    }

    /// <summary>In whole records or parts of them; yields how long the last ones have waited.</summary>
    private TimeSpan Decide(int commands)
    {
        var waited = TimeSpan.Zero;
        var rest = new Queue<(int Commands, long At)>();
        while (commands > 0 && _undecided.TryDequeue(out var record))
        {
            var taken = Math.Min(commands, record.Commands);
            commands -= taken;
            if (taken < record.Commands)
                rest.Enqueue((record.Commands - taken, record.At));
            _lag.Decided(taken, record.At);
            waited = _time.GetElapsedTime(record.At);
        }

        while (_undecided.TryDequeue(out var later))
            rest.Enqueue(later);
        while (rest.TryDequeue(out var kept))
            _undecided.Enqueue(kept);
        return waited;
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
