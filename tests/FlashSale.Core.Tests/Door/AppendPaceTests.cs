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
            Assert.Equal(TimeSpan.Zero, pace.Take());
            _time.Advance(TimeSpan.FromMilliseconds(2));
        }
    }

    [Fact]
    public void Take_AboveTheRate_WaitsForItsPlaceUpToEightIntervals()
    {
        var pace = new AppendPace(_options, _time);
        var waits = Enumerable.Range(0, 40).Select(_ => pace.Take().TotalMilliseconds).ToList();
        Assert.All(waits.Take(17), w => Assert.Equal(0, w));
        Assert.Equal([.. Enumerable.Range(1, 16).Select(i => i * 2.0), 32, 32], waits.Skip(17).Take(18));

        // What was beyond the bound is not owed.
        _time.Advance(TimeSpan.FromMilliseconds(34));
        Assert.Equal(TimeSpan.Zero, pace.Take());
    }

    [Fact]
    public void Take_RateZero_NeverWaits()
    {
        _options.AppendRate = 0;
        var pace = new AppendPace(_options, _time);
        Assert.All(Enumerable.Range(0, 1_000), _ => Assert.Equal(TimeSpan.Zero, pace.Take()));
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

    /// <summary>Eight partitions under load share what one alone has: their records grow, and none of them is left out.</summary>
    [Fact]
    public void Append_EightPartitionsUnderLoad_BeginAtTheRateAndEachInTurn()
    {
        using var pump = new Pump();
        var log = new MemoryLog();
        var appender = log.NewAppender();
        var pace = new AppendPace(_options, _time);
        var commits = Enumerable.Range(0, 8).Select(p => new GroupCommit("commands", p, appender, static (_, _) => 1, pace, new TestIds(), _options, _time)).ToList();
        for (var ms = 0; ms < 1_000; ms++)
        {
            foreach (var commit in commits)
            {
                pump.Enter();
                _ = commit.AppendAsync(Claim("sale", "user", (ulong)ms));
            }

            _time.Advance(TimeSpan.FromMilliseconds(1));
            pump.Run();
        }

        var records = commits.Select((_, p) => log.Records("commands", p).Count).ToList();
        Assert.InRange(records.Sum(), 480, 540);
        Assert.All(records, r => Assert.InRange(r, 55, 75));
    }

    /// <summary>The distance of appends once those that may begin at once are used up.</summary>
    private static double GapOf(AppendPace pace)
    {
        while (pace.Take() == TimeSpan.Zero)
        {
        }

        var first = pace.Take();
        return (pace.Take() - first).TotalMilliseconds;
    }
}
