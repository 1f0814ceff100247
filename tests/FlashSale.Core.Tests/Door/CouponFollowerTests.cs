using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Core.Log;
using static FlashSale.Core.Tests.Coupons.CouponTestData;

namespace FlashSale.Core.Tests.Door;

public sealed class CouponFollowerTests : IDisposable
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);

    private readonly DoorWorld _world = new();

    private CouponFollower Follower => _world.Follower;

    private HandEngine Engine => _world.Engine;

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Begin_StateHoldsCampaigns_KnowsThemWithoutTakingOldEvents()
    {
        Engine.Append(Open("sale", 2, description: "{\"name\":\"A\"}"), Claim("sale", "a", 1));
        Engine.Decide();
        Engine.Tell();
        Assert.Equal("not started", Follower.NotReady);
        _world.Start();

        Assert.Null(Follower.NotReady);
        // Once for how far the events tell, once to follow them.
        Assert.Equal([0L, 1L], _world.Log.ReadFrom);
        Assert.Equal((1, 2), (Follower.Mark, Follower.Commands));
        var sale = Follower.Find("sale")!;
        Assert.Equal((2, 1, "{\"name\":\"A\"}"), (sale.State.Quantity, sale.State.Issued, System.Text.Encoding.UTF8.GetString(sale.Description.Span)));
        Assert.Empty(_world.ToldOffsets);
        Assert.Equal(1, _world.ReadyCount);
    }

    [Fact]
    public void Begin_DecidedAndNotYetTold_DropsTheEventsThatFollow()
    {
        Engine.Append(Open("sale", 2));
        Engine.Append(Claim("sale", "a", 1));
        Engine.Decide();
        _world.Start();
        Assert.Equal(2, Follower.Mark);
        Engine.Tell();
        Engine.Append(Claim("sale", "b", 1));
        _world.DecideAndTell();

        Assert.Equal([3L], _world.ToldOffsets);
        Assert.Equal((3, 3, 2), (Follower.Mark, Follower.Commands, Follower.Find("sale")!.State.Issued));
    }

    [Fact]
    public void Decided_OnItsWay_IsTakenAndTheEventIsARepeat()
    {
        Engine.Append(Open("sale", 2), Claim("sale", "a", 1));
        _world.Start();
        var waiting = Follower.WaitAsync(1, 1, Wait, default);
        Engine.Decide();
        Follower.Decided(Engine.OnItsWay);
        Assert.Equal(CouponOutcome.Issued, _world.Pump.Result(waiting)!.Value.Outcome);
        Assert.Equal((1, 2, 1), (Follower.Mark, Follower.Commands, Follower.Find("sale")!.State.Issued));

        Engine.Tell();
        Engine.Append(Claim("sale", "b", 1));
        _world.DecideAndTell();
        Assert.Equal([1L, 2L], _world.ToldOffsets);
        Assert.Equal(2, Follower.Find("sale")!.State.Issued);
    }

    [Fact]
    public void Decided_DoesNotFollowOrIsOfAnotherLog_IsLeftToTheLog()
    {
        Engine.Append(Open("sale", 2));
        Engine.Append(Claim("sale", "a", 1));
        var early = Engine.Event(new RecordPosition(1, default), [], []);
        Follower.Decided(early);
        Assert.Equal(-1, Follower.Mark);
        _world.Start();
        Follower.Decided(Engine.Event(new RecordPosition(1, default), [], [], new LogId(Guid.NewGuid())));
        Engine.Decide();
        var first = Engine.OnItsWay;
        Engine.Lose();
        Follower.Decided(Engine.OnItsWay);
        Assert.Equal(0, Follower.Mark);
        Engine.TellBytes(first);
        Engine.Tell();
        _world.Pump.Run();
        Follower.Decided(first);
        Assert.Equal([1L, 2L], _world.ToldOffsets);
    }

    [Fact]
    public void Decided_WhileTheStateIsReadAgain_IsLeftToTheLog()
    {
        Engine.Append(Open("sale", 2));
        _world.Start();
        _world.State.MissingPartition = 0;
        Engine.Append(Claim("sale", "a", 1));
        Engine.Append(Claim("sale", "b", 1));
        Engine.Decide();
        Engine.Lose();
        Engine.Tell(1);
        _world.Pump.Run();
        Assert.NotNull(Follower.NotReady);
        Follower.Decided(Engine.OnItsWay);
        Assert.Equal(0, Follower.Mark);
        _world.State.MissingPartition = null;
        _world.Advance(RetryPause);
        Assert.Null(Follower.NotReady);
        Assert.Equal(3, Follower.Mark);
    }

    [Fact]
    public void Begin_StateMissing_TriesAgainUntilItIsThere()
    {
        _world.State.MissingPartition = 0;
        _world.Start();
        Assert.Contains("missing or being rebuilt", Follower.NotReady, StringComparison.Ordinal);
        _world.Advance(10 * RetryPause);
        Assert.Contains("missing or being rebuilt", Follower.NotReady, StringComparison.Ordinal);
        Assert.Equal(0, _world.ReadyCount);
        _world.State.MissingPartition = null;
        _world.Advance(RetryPause);
        Assert.Null(Follower.NotReady);
    }

    [Fact]
    public void Begin_StateIsBeingRebuilt_WaitsUntilItHoldsWhatWasTold()
    {
        Engine.Append(Open("sale", 2));
        Engine.Append(Claim("sale", "a", 1));
        Engine.TellBytes(Engine.Event(new RecordPosition(2, default), [], []));
        Engine.Decide(1);
        _world.Start();
        Assert.Contains("missing or being rebuilt", Follower.NotReady, StringComparison.Ordinal);
        Assert.Equal(0, _world.ReadyCount);
        Engine.Decide();
        _world.Advance(RetryPause);
        Assert.Null(Follower.NotReady);
        Assert.Equal((2, 1), (Follower.Mark, Follower.Find("sale")!.State.Issued));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Begin_LogOrStateAway_TriesAgain(bool log)
    {
        (_world.Log.IsAway, _world.State.IsAway) = (log, !log);
        _world.Start();
        Assert.Equal(log ? "no broker" : "no answer in time", Follower.NotReady);
        (_world.Log.IsAway, _world.State.IsAway) = (false, false);
        _world.Advance(RetryPause);
        Assert.Null(Follower.NotReady);
    }

    [Fact]
    public void Follow_Events_KeepTheCampaignsUpToDate()
    {
        _world.Start();
        Engine.Append(Open("sale", 2), Open("other", 1));
        _world.DecideAndTell();
        Assert.Equal(["other", "sale"], Follower.Campaigns.Select(c => c.CampaignId).Order());
        Engine.Append(Claim("sale", "a", 1), Claim("sale", "b", 2));
        Engine.ToldAtMs = 9_000;
        _world.DecideAndTell();
        Assert.True(Follower.Find("sale")!.State.IsSoldOut);
        Assert.Equal(9_000, Follower.LastToldMs);
        Engine.Append(Change("sale", 5, description: "{\"name\":\"B\"}"), Close("other"));
        _world.DecideAndTell();
        Assert.Equal(5, Follower.Find("sale")!.State.Quantity);
        Assert.Equal("{\"name\":\"B\"}"u8.ToArray(), Follower.Find("sale")!.Description.ToArray());
        Assert.True(Follower.Find("other")!.State.IsClosed);
        Assert.Equal((3, 6), (Follower.Mark, Follower.Commands));
    }

    [Fact]
    public void Follow_RepeatedEvents_ChangeNothing()
    {
        _world.Start();
        Engine.Append(Open("sale", 2));
        _world.DecideAndTell();
        Engine.Append(Change("sale", 9));
        _world.DecideAndTell();
        foreach (var told in _world.Memory.Records("coupon-events").ToList())
            Engine.TellBytes(told);
        _world.Pump.Run();

        Assert.Equal([1L, 2L], _world.ToldOffsets);
        Assert.Equal((2, 2, 9), (Follower.Mark, Follower.Commands, Follower.Find("sale")!.State.Quantity));
        Assert.Equal(1, _world.ReadyCount);
    }

    [Fact]
    public void Follow_UndecodableAndEmptyRecords_AreDecidedToo()
    {
        _world.Start();
        _world.Memory.Add("coupon-commands", [1, 2, 3]);
        _world.Memory.Add("coupon-commands", _world.Memory.Records("coupon-commands")[0]);
        var waiting = Follower.WaitAsync(1, 0, Wait, default);
        _world.DecideAndTell();
        Assert.Equal((2, 1), (Follower.Mark, Follower.Commands));
        Assert.Null(_world.Pump.Await(waiting));
    }

    [Fact]
    public void Follow_EventMissing_ReadsTheStateAgainAndReleasesThoseWhoWait()
    {
        _world.Start();
        Engine.Append(Open("sale", 2));
        Engine.Append(Claim("sale", "a", 1));
        Engine.Append(Claim("sale", "b", 1));
        var lost = Follower.WaitAsync(1, 0, Wait, default);
        var seen = Follower.WaitAsync(3, 0, Wait, default);
        Engine.Decide();
        Engine.Lose();
        Engine.Lose();
        Engine.Tell();
        _world.Pump.Run();

        Assert.Null(Follower.NotReady);
        Assert.Equal((3, 3, 2), (Follower.Mark, Follower.Commands, Follower.Find("sale")!.State.Issued));
        Assert.Equal(2, _world.ReadyCount);
        Assert.Null(_world.Pump.Await(lost));
        Assert.Null(_world.Pump.Await(seen));
        Assert.Empty(_world.ToldOffsets);
    }

    [Fact]
    public void Follow_EventMissingAndStateAway_IsNotReadyUntilItAnswers()
    {
        _world.Start();
        Engine.Append(Open("sale", 2));
        Engine.Append(Close("sale"));
        Engine.Decide();
        Engine.Lose();
        _world.State.IsAway = true;
        Engine.Tell();
        _world.Pump.Run();
        Assert.Equal(("no answer in time", 0), (Follower.NotReady, Follower.Mark));

        _world.State.IsAway = false;
        _world.Advance(RetryPause);
        Assert.Equal((null, 2), (Follower.NotReady, Follower.Mark));
    }

    [Fact]
    public void Follow_EventsOfAnotherLog_AreRefusedAndChangeNothing()
    {
        _world.Start();
        Engine.Append(Open("sale", 2));
        _world.DecideAndTell();
        Engine.TellBytes(Engine.Event(
            new RecordPosition(2, new RecordId(5)), Record(5, Open("foreign", 1)), CouponOutcomes.OfEmpty(), new LogId(Guid.Empty)));
        _world.Pump.Run();

        Assert.Contains("recreated", Assert.IsType<LogRefusedException>(Assert.Single(_world.Faults)).Message, StringComparison.Ordinal);
        Assert.Equal((1, null), (Follower.Mark, Follower.Find("foreign")));
    }

    /// <summary>Nothing may follow such an event for long: who waits for its record must not hang on the next one.</summary>
    [Theory]
    [InlineData("garbage")]
    [InlineData("newer version")]
    [InlineData("outcomes missing")]
    [InlineData("outcomes too many")]
    [InlineData("command not readable")]
    [InlineData("campaign out of range")]
    public void Follow_EventThatCannotBeTaken_IsReportedAndTheStateReadAgain(string what)
    {
        _world.Start();
        Engine.Append(Open("sale", 2), Claim("sale", "a", 1));
        var waiting = Follower.WaitAsync(1, 1, Wait, default);
        Engine.Decide();
        Engine.Lose();
        Engine.TellBytes(Unusual(what));
        _world.Pump.Run();
        Assert.IsType<LogRefusedException>(Assert.Single(_world.Faults));
        Assert.Empty(_world.ToldOffsets);
        Assert.NotNull(Follower.NotReady);

        _world.Advance(RetryPause);
        Assert.Equal((null, 1, 1), (Follower.NotReady, Follower.Mark, Follower.Find("sale")!.State.Issued));
        Assert.Null(_world.Pump.Await(waiting));
        Engine.Append(Claim("sale", "b", 1));
        _world.DecideAndTell();
        Assert.Equal([2L], _world.ToldOffsets);
    }

    private byte[] Unusual(string what)
    {
        var command = _world.Memory.Records("coupon-commands")[1];
        var outcomes = new CouponModel().Apply(1, CouponRecord.Inspect(command), command);
        var position = new RecordPosition(1, CouponRecord.Inspect(command).Id);
        var newer = Engine.Event(position, command, outcomes);
        newer[2] = RecordHeader.CurrentVersion + 1;
        var outOfRange = outcomes.ToArray();
        outOfRange[3] = 9;
        return what switch
        {
            "garbage" => [1, 2, 3],
            "newer version" => newer,
            "outcomes missing" => Engine.Event(position, command, outcomes[..^5]),
            "outcomes too many" => Engine.Event(position, command, [.. outcomes, (byte)CouponOutcome.SoldOut]),
            "command not readable" => Engine.Event(position, command[..^1], outcomes),
            _ => Engine.Event(position, command, outOfRange),
        };
    }

    [Fact]
    public void Follow_LogAndStateAway_KeepsWhatIsKnownAndGoesOn()
    {
        _world.Start();
        Engine.Append(Open("sale", 2));
        _world.DecideAndTell();
        (_world.Log.IsAway, _world.State.IsAway) = (true, true);
        _world.Log.BreakReaders();
        _world.Advance(5 * RetryPause);
        Assert.Equal(6, _world.Faults.Count);
        Assert.Equal((null, 1, 2), (Follower.NotReady, Follower.Mark, Follower.Find("sale")!.State.Quantity));

        Engine.Append(Claim("sale", "a", 1));
        _world.DecideAndTell();
        (_world.Log.IsAway, _world.State.IsAway) = (false, false);
        _world.Advance(RetryPause);
        Assert.Equal([1L, 2L], _world.ToldOffsets);
        Assert.Equal(1, _world.ReadyCount);
    }

    [Fact]
    public void Wait_SeveralRecords_EachIsWokenByItsOwnWithItsOutcome()
    {
        _world.Start();
        Engine.Append(Open("sale", 1));
        _world.DecideAndTell();
        var refused = Follower.WaitAsync(3, 1, Wait, default);
        var won = Follower.WaitAsync(2, 0, Wait, default);
        var lost = Follower.WaitAsync(2, 1, Wait, default);
        Assert.Equal(3, Follower.Waiting);
        Engine.Append(Claim("sale", "a", 1), Claim("sale", "b", 1));
        _world.DecideAndTell();
        Assert.Equal((CouponOutcome.Issued, 0), Of(_world.Pump.Await(won)));
        Assert.Equal((CouponOutcome.SoldOut, -1), Of(_world.Pump.Await(lost)));
        Assert.False(refused.IsCompleted);
        Assert.Equal(1, Follower.Waiting);

        Engine.Append(Claim("sale", "c", 1), Claim("none", "c", 1));
        _world.DecideAndTell();
        Assert.Equal((CouponOutcome.CampaignUnknown, -1), Of(_world.Pump.Await(refused)));
        Assert.Equal(0, Follower.Waiting);
    }

    [Fact]
    public void Wait_AlreadyDecided_IsAnsweredAtOnceWhileItIsKept()
    {
        _world.Start();
        Engine.Append(Open("sale", 1), Claim("sale", "a", 1));
        _world.DecideAndTell();
        Assert.Equal((CouponOutcome.Issued, 0), Of(_world.Pump.Result(Follower.WaitAsync(1, 1, Wait, default))));
        Assert.Null(_world.Pump.Result(Follower.WaitAsync(1, 2, Wait, default)));
        Assert.Null(_world.Pump.Result(Follower.WaitAsync(0, 0, Wait, default)));
        Assert.Equal(0, Follower.Waiting);
    }

    [Fact]
    public void Wait_NotDecidedInTime_TimesOutAndLeavesNothing()
    {
        _world.Start();
        var waiting = Follower.WaitAsync(1, 0, Wait, default);
        _world.Advance(Wait - TimeSpan.FromMilliseconds(1));
        Assert.False(waiting.IsCompleted);
        _world.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Throws<TimeoutException>(() => _world.Pump.Result(waiting));
        Assert.Equal(0, Follower.Waiting);
        Assert.Null(_world.Time.NextDue);
        Engine.Append(Open("sale", 1));
        _world.DecideAndTell();
        Assert.Equal(1, Follower.Mark);
    }

    [Fact]
    public void Wait_Cancelled_EndsAndLeavesNothing()
    {
        _world.Start();
        using var cancel = new CancellationTokenSource();
        var waiting = Follower.WaitAsync(1, 0, Wait, cancel.Token);
        cancel.Cancel();
        _world.Pump.Run();
        Assert.True(waiting.IsCanceled);
        Assert.Equal(0, Follower.Waiting);
        Assert.Null(_world.Time.NextDue);
    }

    [Fact]
    public void Wait_TooManyWait_IsAnsweredAtOnceUntilOneLeaves()
    {
        _world.Options.WaitersMax = 2;
        _world.Start();
        var first = Follower.WaitAsync(1, 0, Wait, default);
        var second = Follower.WaitAsync(2, 0, 2 * Wait, default);
        Assert.Null(_world.Pump.Result(Follower.WaitAsync(1, 0, Wait, default)));
        _world.Advance(Wait);
        Assert.True(first.IsFaulted);
        var third = Follower.WaitAsync(1, 0, Wait, default);
        Assert.False(third.IsCompleted);
        Engine.Append(Open("sale", 1));
        _world.DecideAndTell();
        Assert.Equal(CouponOutcome.CampaignOpened, _world.Pump.Await(third)!.Value.Outcome);
        _world.Advance(Wait);
        Assert.Throws<TimeoutException>(() => _world.Pump.Result(second));
    }

    [Fact]
    public void FindRecent_MoreThanIsKept_ForgetsTheOldest()
    {
        _world.Options.RecentBytesMax = 3 * (200 + 15 + 150);
        _world.Start();
        for (var i = 0; i < 5; i++)
        {
            Engine.Append(i == 0 ? Open("sale", 10) : Claim("sale", $"u{i}", 1));
            _world.DecideAndTell();
        }

        Assert.Equal([false, false, true, true, true], Enumerable.Range(1, 5).Select(offset => Follower.FindRecent(offset, 0) is not null));
    }

    [Fact]
    public void FindRecent_NothingIsKept_WakesThoseWhoWaitNevertheless()
    {
        _world.Options.RecentBytesMax = 0;
        _world.Start();
        var waiting = Follower.WaitAsync(1, 0, Wait, default);
        Engine.Append(Open("sale", 10));
        _world.DecideAndTell();
        Assert.Equal(CouponOutcome.CampaignOpened, _world.Pump.Await(waiting)!.Value.Outcome);
        Assert.Null(Follower.FindRecent(1, 0));
    }

    [Fact]
    public void Appended_UntilDecided_CountsAsOwn()
    {
        _world.Start();
        Engine.Append(Open("sale", 10), Claim("sale", "a", 1));
        Assert.Equal(1, Follower.Appended(1, 2));
        Assert.Equal((2, 2), (Follower.OwnUndecided, Follower.End));
        _world.DecideAndTell();
        Assert.Equal(0, Follower.OwnUndecided);
    }

    [Fact]
    public void Appended_AtAnAddressThatTheLogHasLost_CountsInPlaceOfTheOther()
    {
        _world.Start();
        Engine.Append(Open("sale", 10), Claim("sale", "a", 1));
        Assert.Equal(1, Follower.Appended(1, 5));
        Assert.Equal(1, Follower.Appended(1, 2));
        Assert.Equal(2, Follower.OwnUndecided);
        _world.DecideAndTell();
        Assert.Equal(0, Follower.OwnUndecided);
    }

    [Fact]
    public void Appended_AfterItIsDecided_CountsNothing()
    {
        _world.Start();
        Engine.Append(Open("sale", 10));
        _world.DecideAndTell();
        Assert.Equal(1, Follower.Appended(1, 1));
        Assert.Equal(0, Follower.OwnUndecided);
        Assert.Equal((0, TimeSpan.Zero), Follower.Lag());
    }

    [Fact]
    public void Lag_OwnRecords_CountsTheirCommandsFromTheOldest()
    {
        _world.Start();
        Assert.Equal((0, TimeSpan.Zero), Follower.Lag());
        Engine.Append(Open("sale", 10), Claim("sale", "a", 1), Claim("sale", "b", 1));
        Follower.Appended(1, 3);
        _world.Advance(TimeSpan.FromSeconds(2));
        Engine.Append(Claim("sale", "c", 1));
        Follower.Appended(2, 1);
        _world.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal((4, TimeSpan.FromSeconds(5)), Follower.Lag());
        Engine.Decide(1);
        Engine.Tell();
        _world.Pump.Run();
        Assert.Equal((1, TimeSpan.FromSeconds(3)), Follower.Lag());
        _world.DecideAndTell();
        Assert.Equal((0, TimeSpan.Zero), Follower.Lag());
    }

    [Fact]
    public void Lag_OthersKeepAppendingAndNothingIsDecided_Ages()
    {
        _world.Start();
        _world.Advance(TimeSpan.FromSeconds(60));
        for (var i = 1; i <= 10; i++)
        {
            Engine.Append(Close("sale"));
            Follower.SeenEnd(i + 1);
            Assert.Equal((i, TimeSpan.FromSeconds(i - 1)), Follower.Lag());
            _world.Advance(TimeSpan.FromSeconds(1));
        }

        // Own records behind those of others are not the oldest.
        Engine.Append(Close("sale"));
        Follower.Appended(11, 1);
        Assert.Equal((11, TimeSpan.FromSeconds(10)), Follower.Lag());
        _world.DecideAndTell();
        Assert.Equal((0, TimeSpan.Zero), Follower.Lag());

        _world.Advance(TimeSpan.FromSeconds(30));
        Engine.Append(Close("sale"));
        Follower.Appended(12, 1);
        _world.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((1, TimeSpan.FromSeconds(1)), Follower.Lag());
    }

    /// <summary>A ticket's number is fixed when it is given, so its position falls as decisions are told, whatever lies in between.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Appended_RandomInterleavings_PositionNeverRises(int seed)
    {
        var random = new Random(seed);
        var unacknowledged = new Queue<(long Offset, int Commands)>();
        var tickets = new List<(long Number, long Position)>();
        var told = 0L;
        _world.Start();
        for (var step = 0; step < 1_500; step++)
        {
            var commands = Enumerable.Range(0, random.Next(1, 6)).Select(i => Claim("sale", $"u{i}", (ulong)step)).ToArray();
            switch (random.Next(6))
            {
                case 0:
                    Engine.Append(commands);
                    break;
                case 1:
                    unacknowledged.Enqueue((Engine.Append(commands), commands.Length));
                    break;
                case 2 when unacknowledged.TryDequeue(out var own):
                    var first = Follower.Appended(own.Offset, own.Commands);
                    for (var number = first; number < first + own.Commands; number++)
                    {
                        Assert.True(number >= Follower.Commands, $"seed {seed}, step {step}: below what is decided");
                        tickets.Add((number, Math.Max(1, number - Follower.Commands)));
                    }

                    break;
                case 3:
                    Follower.SeenEnd(_world.Memory.Records("coupon-commands").Count);
                    break;
                default:
                    Engine.Decide(random.Next(3));
                    Engine.Tell(random.Next(3));
                    _world.Pump.Run();
                    break;
            }

            Assert.True(Follower.Commands >= told, $"seed {seed}, step {step}: the count of decisions falls");
            told = Follower.Commands;
            for (var i = 0; i < tickets.Count; i++)
            {
                var position = Math.Max(1, tickets[i].Number - told);
                Assert.True(position <= tickets[i].Position, $"seed {seed}, step {step}: position rises from {tickets[i].Position} to {position}");
                tickets[i] = (tickets[i].Number, position);
            }

            Assert.InRange(Follower.OwnUndecided, 0, long.MaxValue);
        }

        _world.DecideAndTell();
        Assert.Equal(0, Follower.OwnUndecided);
        Assert.Equal(Engine.Commands, Follower.Commands);
    }

    [Fact]
    public void Appended_OnlyThisNodeAppends_NumbersAreExact()
    {
        _world.Start();
        var number = 1;
        for (var offset = 1; offset <= 30; offset++)
        {
            var commands = Enumerable.Range(0, offset % 4 + 1).Select(i => Claim("sale", $"u{i}", (ulong)offset)).ToArray();
            Engine.Append(commands);
            Assert.Equal(number, Follower.Appended(offset, commands.Length));
            number += commands.Length;
            if (offset % 5 == 0)
                _world.DecideAndTell();
        }
    }

    private static (CouponOutcome, int) Of(Decision? decision) => (decision!.Value.Outcome, decision.Value.Sequence);
}
