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
    public void Take_AboveTheRate_WaitsForItsPlaceUpToFourIntervals()
    {
        var pace = new AppendPace(_options, _time);
        var waits = Enumerable.Range(0, 40).Select(_ => pace.Take().TotalMilliseconds).ToList();
        Assert.All(waits.Take(17), w => Assert.Equal(0, w));
        Assert.Equal([2, 4, 6, 8, 10, 12, 14, 16, 16, 16], waits.Skip(17).Take(10));

        // What was beyond the bound is not owed.
        _time.Advance(TimeSpan.FromMilliseconds(18));
        Assert.Equal(TimeSpan.Zero, pace.Take());
    }

    [Fact]
    public void Take_RateZero_NeverWaits()
    {
        _options.AppendRate = 0;
        var pace = new AppendPace(_options, _time);
        Assert.All(Enumerable.Range(0, 1_000), _ => Assert.Equal(TimeSpan.Zero, pace.Take()));
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
}
