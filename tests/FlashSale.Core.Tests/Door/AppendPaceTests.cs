using FlashSale.Core.Door;
using static FlashSale.Core.Tests.Coupons.CouponTestData;

namespace FlashSale.Core.Tests.Door;

public sealed class AppendPaceTests
{
    private readonly ManualTime _time = new();
    private readonly DoorOptions _options = new() { AppendInterval = TimeSpan.FromMilliseconds(4), AppendRate = 500 };

    [Fact]
    public void Take_BelowTheRate_NeverWaits()
    {
        var pace = new AppendPace(_options, _time);
        for (var i = 0; i < 2_000; i++)
        {
            Assert.Equal(0, Take(pace));
            _time.Advance(TimeSpan.FromMilliseconds(2));
        }
    }

    [Fact]
    public void Take_AboveTheRate_PartitionsWaitForOneRoundAndLongerForTheNext()
    {
        var pace = new AppendPace(_options, _time);
        Assert.Equal([.. Enumerable.Repeat(0.0, 17), 2, 2, 2, 2], Enumerable.Range(0, 21).Select(_ => Take(pace)));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, Take(pace));

        // Five have a place in the round that begins here: the next one is five places later.
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal([10, 10, 10], Enumerable.Range(0, 3).Select(_ => Take(pace)));
    }

    [Fact]
    public void Take_RoundOfManyPartitions_NextOneIsNoMoreThanEightIntervalsAway()
    {
        var pace = new AppendPace(_options, _time);
        for (var i = 0; i < 17 + 40; i++)
            Take(pace);
        _time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Equal(32, Take(pace));

        // What was beyond the bound is not owed.
        _time.Advance(TimeSpan.FromMilliseconds(34));
        Assert.Equal(0, Take(pace));
    }

    /// <summary>Timers are as exact as the system's clock ticks: a partition that was let go some milliseconds too early is not given a second place in the same round.</summary>
    [Fact]
    public void Take_AgainBeforeItsRoundBegins_WaitsForTheNextOne()
    {
        var pace = new AppendPace(_options, _time);
        for (var i = 0; i < 17; i++)
            Take(pace);
        long first = 0, second = 0;
        Assert.Equal(2, pace.Take(ref first).TotalMilliseconds);
        Assert.Equal(2, pace.Take(ref second).TotalMilliseconds);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(5, pace.Take(ref first).TotalMilliseconds);
        Assert.Equal(5, pace.Take(ref second).TotalMilliseconds);
        Assert.Equal(first, second);
    }

    [Fact]
    public void Take_RateZero_NeverWaits()
    {
        _options.AppendRate = 0;
        var pace = new AppendPace(_options, _time);
        Assert.All(Enumerable.Range(0, 1_000), _ => Assert.Equal(0, Take(pace)));
    }

    /// <summary>Nodes that append for the same log make as many records together as one alone: each may take the part that it has, but never less than half.</summary>
    [Theory]
    [InlineData(0, 2)]
    [InlineData(10, 2.5)]
    [InlineData(40, 4)]
    [InlineData(400, 4)]
    public void Take_WithRecordsOfOthers_WaitsForItsShare(int others, double gapMs)
    {
        var pace = new AppendPace(_options, _time);
        for (var i = 0; i < 40; i++)
        {
            pace.Appended();
            pace.Decided();
        }

        for (var i = 0; i < others; i++)
            pace.Decided();
        Assert.Equal(gapMs, GapOf(pace), 0.01);

        // They have ended: after a while all of it is this node's.
        _time.Advance(TimeSpan.FromSeconds(20));
        for (var i = 0; i < 40; i++)
        {
            pace.Appended();
            pace.Decided();
        }

        Assert.Equal(2, GapOf(pace), 0.01);
    }

    [Fact]
    public void Take_FewRecordsOfOthers_AreNoCompany()
    {
        var pace = new AppendPace(_options, _time);
        for (var i = 0; i < 19; i++)
            pace.Decided();
        Assert.Equal(2, GapOf(pace), 0.01);
    }

    /// <summary>Eight partitions under load share what one alone has: their records grow, none of them is left out, and they are appended together.</summary>
    [Fact]
    public void Append_EightPartitionsUnderLoad_BeginAtTheRateInRoundsOfAll()
    {
        using var pump = new Pump();
        var log = new MemoryLog();
        var appender = log.NewAppender();
        var pace = new AppendPace(_options, _time);
        var commits = Enumerable.Range(0, 8).Select(p => new GroupCommit("commands", p, appender, static (_, _) => 1, pace, new TestIds(), _options, _time)).ToList();
        var instants = 0;
        var before = 0;
        for (var ms = 0; ms < 1_000; ms++)
        {
            foreach (var commit in commits)
            {
                pump.Enter();
                _ = commit.AppendAsync(Claim("sale", "user", (ulong)ms));
            }

            _time.Advance(TimeSpan.FromMilliseconds(1));
            pump.Run();
            var appended = commits.Select((_, p) => log.Records("commands", p).Count).Sum();
            if (appended > before)
                instants++;
            before = appended;
        }

        var records = commits.Select((_, p) => log.Records("commands", p).Count).ToList();
        Assert.InRange(records.Sum(), 480, 540);
        Assert.All(records, r => Assert.InRange(r, 55, 75));
        Assert.InRange(instants, 55, 80);
    }

    private static double Take(AppendPace pace)
    {
        var round = 0L;
        return pace.Take(ref round).TotalMilliseconds;
    }

    /// <summary>The distance of appends once those that may begin at once are used up: that of two rounds of one partition.</summary>
    private static double GapOf(AppendPace pace)
    {
        var round = 0L;
        double wait;
        do
        {
            wait = pace.Take(ref round).TotalMilliseconds;
        }
        while (wait == 0);
        return pace.Take(ref round).TotalMilliseconds - wait;
    }
}
