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

    /// <summary>Until half of a record's callers are answered may take a quarter of the time in which it gathered; from a half on the machine is full.</summary>
    [Theory]
    [InlineData(0.1, 4)]
    [InlineData(0.25, 4)]
    [InlineData(0.375, 8)]
    [InlineData(0.5, 12)]
    [InlineData(3, 12)]
    public void GatherMax_AnswersTakeAPartOfThePeriod_IsLongerWhereTheyTakeLong(double part, double longestMs)
    {
        var pace = new AppendPace(_options, _time);
        var period = TimeSpan.FromMilliseconds(8);
        for (var i = 0; i < 1_000; i++)
            Answer(pace, part * period, period);
        Assert.Equal(longestMs, pace.GatherMax().TotalMilliseconds, 0.1);
    }

    [Fact]
    public void GatherMax_OneRecordWasHeldUp_StaysAsItIs()
    {
        var pace = new AppendPace(_options, _time);
        Answer(pace, TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(8));
        Assert.Equal(4, pace.GatherMax().TotalMilliseconds);
    }

    [Fact]
    public void GatherMax_AfterTheStorm_IsTheLeastAgain()
    {
        var pace = Busy();
        Assert.Equal(12, pace.GatherMax().TotalMilliseconds, 0.1);
        _time.Advance(TimeSpan.FromSeconds(0.4));
        Assert.Equal(4, pace.GatherMax().TotalMilliseconds);
    }

    [Fact]
    public void GatherMax_NoLeast_IsNone()
    {
        _options.AppendInterval = TimeSpan.Zero;
        Assert.Equal(TimeSpan.Zero, Busy().GatherMax());
    }

    /// <summary>Where the machine is busy, a record waits for up to three intervals, but not once 250 commands have come, and never for less than one.</summary>
    [Theory]
    [InlineData(1, 12)]
    [InlineData(20, 12)]
    [InlineData(25, 10)]
    [InlineData(50, 5)]
    [InlineData(63, 4)]
    [InlineData(100, 4)]
    public void Append_Busy_WaitsForEnoughCommands(int eachMs, int waitsMs)
    {
        using var pump = new Pump();
        var log = new MemoryLog();
        var commit = new GroupCommit("commands", 0, log.NewAppender(), static (_, _) => 1, Busy(), new TestIds(), _options, _time);
        AppendOne();
        pump.Run();
        for (var ms = 0; ms < waitsMs; ms++)
        {
            Assert.Single(log.Records("commands", 0));
            for (var i = 0; i < eachMs; i++)
                AppendOne();
            _time.Advance(TimeSpan.FromMilliseconds(1));
            pump.Run();
        }

        Assert.Equal(2, log.Records("commands", 0).Count);

        void AppendOne()
        {
            pump.Enter();
            _ = commit.AppendAsync(Claim("sale", "user", 1));
        }
    }

    /// <summary>The timer of a record that had enough commands before it went off is not the next record's.</summary>
    [Fact]
    public void Append_BusyAfterARecordThatHadEnough_WaitsForItsOwnTime()
    {
        _options.AppendRate = 0;
        using var pump = new Pump();
        var log = new MemoryLog();
        var commit = new GroupCommit("commands", 0, log.NewAppender(), static (_, _) => 1, Busy(), new TestIds(), _options, _time);
        AppendMany(1);
        AppendMany(1);
        Pass(6);
        AppendMany(AppendPace.CommandsEnough - 1);
        Pass(0);
        Assert.Equal(2, log.Records("commands", 0).Count);

        AppendMany(1);
        Pass(11);
        Assert.Equal(2, log.Records("commands", 0).Count);
        Pass(1);
        Assert.Equal(3, log.Records("commands", 0).Count);

        void AppendMany(int count)
        {
            for (var i = 0; i < count; i++)
            {
                pump.Enter();
                _ = commit.AppendAsync(Claim("sale", "user", 1));
            }
        }

        void Pass(int ms)
        {
            for (var i = 0; i < ms; i++)
            {
                _time.Advance(TimeSpan.FromMilliseconds(1));
                pump.Run();
            }

            pump.Run();
        }
    }

    /// <summary>The one thing that tells how busy the machine is: callers that are answered late, of a partition whose appends then keep a longer distance.</summary>
    [Theory]
    [InlineData(1, 200, 260)]
    [InlineData(3, 110, 160)]
    public void Append_CallersAreAnsweredSoLate_RecordsOfASecond(int lateMs, int recordsMin, int recordsMax)
    {
        _options.AppendRate = 0;
        using var pump = new Pump();
        var log = new MemoryLog();
        var ms = 0;
        var records = new Queue<(int AppendedMs, int Commands)>();
        var callers = new Queue<Appending>();
        var commit = new GroupCommit("commands", 0, log.NewAppender(), Appended, new AppendPace(_options, _time), new TestIds(), _options, _time);
        for (; ms < 1_000; ms++)
        {
            pump.Enter();
            callers.Enqueue(commit.AppendAsync(Claim("sale", "user", (ulong)ms)));
            _time.Advance(TimeSpan.FromMilliseconds(1));
            pump.Run();
            while (records.TryPeek(out var record) && record.AppendedMs + lateMs <= ms)
            {
                for (var i = 0; i < records.Peek().Commands; i++)
                    Answer(callers.Dequeue());
                records.Dequeue();
            }
        }

        Assert.InRange(log.Records("commands", 0).Count, recordsMin, recordsMax);

        long Appended(long offset, int commands)
        {
            records.Enqueue((ms, commands));
            return 1;
        }
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

    private AppendPace Busy()
    {
        var pace = new AppendPace(_options, _time);
        for (var i = 0; i < 1_000; i++)
            Answer(pace, TimeSpan.FromMilliseconds(4), TimeSpan.FromMilliseconds(4));
        return pace;
    }

    /// <summary>A record's callers were answered so late; the next one is answered a period later.</summary>
    private void Answer(AppendPace pace, TimeSpan late, TimeSpan period)
    {
        var appendedAt = _time.GetTimestamp();
        _time.Advance(late);
        pace.HalfAnswered(appendedAt, period);
    }

    private static void Answer(Appending appended) => appended.GetAwaiter().GetResult();

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
