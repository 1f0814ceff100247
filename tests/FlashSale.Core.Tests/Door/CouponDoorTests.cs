using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Core.Tests.Coupons;
using static FlashSale.Core.Tests.Coupons.CouponTestData;

namespace FlashSale.Core.Tests.Door;

public sealed class CouponDoorTests : IDisposable
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);

    private readonly DoorWorld _world = new();
    private readonly CouponCodes _codes = new();

    private CouponDoor Door => _world.Door;

    private HandEngine Engine => _world.Engine;

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Claim_OpenCampaign_IsAppendedAndTicketed()
    {
        Begin(Open("sale", 5));
        _world.Advance(TimeSpan.FromMilliseconds(1_234));
        var taken = Claim("sale", "a");

        Assert.Equal((DoorRefusal.None, 1L, TimeSpan.Zero), (taken.Refusal, taken.Position, taken.RetryAfter));
        var command = Assert.Single(Commands(_world.Memory.Records("coupon-commands")[^1]));
        Assert.Equal((CouponCommandKind.Claim, "sale", "a", 1_234), (command.Kind, command.CampaignId, command.UserId, command.InstantMs));
        Assert.Equal(new ClaimQuestion(TestLog, 0, 2, 0, "sale", "a", command.ClaimId, 1_234), taken.Ticket!.Claim);
        Assert.Equal(2, taken.Ticket!.Commands);
    }

    [Fact]
    public void Claim_AppendNotAcknowledged_IsNotAnswered()
    {
        Begin(Open("sale", 5));
        _world.Memory.HoldAppends = true;
        var taken = ClaimAsync("sale", "a");
        _world.Pump.Run();
        _world.Advance(TimeSpan.FromMinutes(1));
        Assert.False(taken.IsCompleted);
        Assert.Single(_world.Memory.Held).Complete(true);
        Assert.Equal(DoorRefusal.None, _world.Pump.Result(taken).Refusal);
    }

    [Fact]
    public void Claim_AppendFails_IsLogUnavailable()
    {
        Begin(Open("sale", 5));
        _world.Memory.HoldAppends = true;
        var taken = ClaimAsync("sale", "a");
        Assert.Single(_world.Memory.Held).Complete(false);
        Assert.Equal(DoorRefusal.LogUnavailable, _world.Pump.Result(taken).Refusal);
        Assert.Equal(0, _world.Follower.OwnUndecided);
    }

    [Fact]
    public void Claim_NotReady_IsRefusedAndAppendsNothing()
    {
        _world.State.IsAway = true;
        _world.Start();
        Assert.Equal("no answer in time", Door.NotReady);
        AssertRefused(DoorRefusal.NotReady, "sale", "a");
        Assert.Equal(DoorRefusal.NotReady, Put("sale", Settings(1)).Refusal);
    }

    [Fact]
    public void Claim_CertainRefusals_AppendNothing()
    {
        Begin(
            Open("later", 5, opensAt: 10_000), Open("over", 5, closesAt: 5_000), Open("closed", 5), Close("closed"), Open("gone", 1),
            CouponTestData.Claim("gone", "winner", 1), Open("open", 5));
        _world.Advance(TimeSpan.FromSeconds(5));
        AssertRefused(DoorRefusal.CampaignUnknown, "none", "a");
        AssertRefused(DoorRefusal.NotOpen, "later", "a");
        AssertRefused(DoorRefusal.Closed, "over", "a");
        AssertRefused(DoorRefusal.Closed, "closed", "a");
        AssertRefused(DoorRefusal.SoldOut, "gone", "a");

        _world.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(DoorRefusal.None, Claim("later", "a").Refusal);
        Assert.Equal(DoorRefusal.None, Claim("open", "a").Refusal);
    }

    [Fact]
    public void Claim_QuantityRaisedAfterSoldOut_IsAppendedAgain()
    {
        Begin(Open("sale", 1), CouponTestData.Claim("sale", "winner", 1));
        AssertRefused(DoorRefusal.SoldOut, "sale", "a");
        Engine.Append(Change("sale", 2));
        _world.DecideAndTell();
        Assert.Equal(DoorRefusal.None, Claim("sale", "a").Refusal);
    }

    [Fact]
    public void Claim_TooManyUndecided_IsOverloadedAndAppendsNothing()
    {
        _world.Options.UndecidedMax = 2;
        Begin(Open("sale", 5));
        Claim("sale", "a");
        Claim("sale", "b");
        AssertRefused(DoorRefusal.Overloaded, "sale", "c");
        _world.DecideAndTell();
        Assert.Equal(DoorRefusal.None, Claim("sale", "c").Refusal);
    }

    [Fact]
    public void Claim_WouldBeDecidedTooLate_IsOverloadedUntilDecisionsComeInTime()
    {
        _world.Options.DecisionLagMax = TimeSpan.FromSeconds(1);
        Begin(Open("sale", 1_000));
        for (var i = 0; i < 300; i++)
            Claim("sale", $"early-{i}");
        // One every 0.2 s: the first ones do not show yet that it goes on like this.
        for (var i = 0; i < 4; i++)
        {
            _world.Advance(TimeSpan.FromSeconds(0.2));
            Engine.Decide(1);
            Engine.Tell();
            _world.Pump.Run();
        }

        AssertRefused(DoorRefusal.Overloaded, "sale", "late");
        _world.DecideAndTell();
        Assert.Equal(DoorRefusal.None, Claim("sale", "late").Refusal);
    }

    [Fact]
    public void Claim_NothingIsDecidedForAWhile_IsAppended()
    {
        _world.Options.DecisionLagMax = TimeSpan.FromSeconds(1);
        Begin(Open("sale", 1_000));
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(DoorRefusal.None, Claim("sale", $"user-{i}").Refusal);
            _world.Advance(TimeSpan.FromSeconds(0.1));
        }
    }

    [Fact]
    public void Claim_TooManyWaitForTheirAppend_IsOverloadedAtOnce()
    {
        _world.Options.WaitingMax = 1;
        Begin(Open("sale", 5));
        _world.Memory.HoldAppends = true;
        var first = ClaimAsync("sale", "a");
        Assert.Equal(DoorRefusal.Overloaded, Claim("sale", "b").Refusal);
        Assert.Single(_world.Memory.Held).Complete(true);
        Assert.Equal(DoorRefusal.None, _world.Pump.Result(first).Refusal);
    }

    [Fact]
    public void Claim_UserOverTheLimit_IsRefusedWithTheTimeToComeBack()
    {
        _world.Options.UserLimit = 2;
        Begin(Open("sale", 9, perUser: 9));
        Claim("sale", "a");
        _world.Advance(TimeSpan.FromSeconds(3));
        Claim("sale", "a");
        var refused = AssertRefused(DoorRefusal.TooManyRequests, "sale", "a");
        Assert.Equal(TimeSpan.FromSeconds(7), refused.RetryAfter);
        Assert.Equal(DoorRefusal.None, Claim("sale", "b").Refusal);
        _world.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(DoorRefusal.None, Claim("sale", "a").Refusal);
    }

    [Fact]
    public void Claim_WinnersKeyAgainAfterSoldOut_IsTheSameWinAtItsAddress()
    {
        Begin(Open("sale", 1));
        var first = Claim("sale", "a", "key-1");
        _world.DecideAndTell();
        var appended = Appended;
        var again = Claim("sale", "a", "key-1");
        Assert.Equal(DoorRefusal.None, again.Refusal);
        Assert.Equal((first.Ticket!.Claim.Offset, first.Ticket!.Claim.Index), (again.Ticket!.Claim.Offset, again.Ticket!.Claim.Index));
        Assert.Equal(appended, Appended);
        Assert.Equal(Code("sale", 0), Assert.Single(Status(again.Ticket!)!.Codes));

        AssertRefused(DoorRefusal.SoldOut, "sale", "a", "key-2");
        AssertRefused(DoorRefusal.SoldOut, "sale", "b", "key-1");
        AssertRefused(DoorRefusal.SoldOut, "sale", "a");
    }

    [Fact]
    public void Claim_WinnersKeyAgainAfterClose_IsTheSameWin()
    {
        Begin(Open("sale", 5));
        Claim("sale", "a", "key-1");
        Engine.Append(Close("sale"));
        _world.DecideAndTell();
        Assert.Equal(CouponOutcome.Issued, Status(Claim("sale", "a", "key-1").Ticket!)!.Outcome);
        AssertRefused(DoorRefusal.Closed, "sale", "b", "key-1");
    }

    [Fact]
    public void Claim_KeyAgainWhileOpen_IsAppendedAndIsTheSameWin()
    {
        Begin(Open("sale", 5));
        var first = Claim("sale", "a", "key-1");
        var second = Claim("sale", "a", "key-1");
        _world.DecideAndTell();
        Assert.NotEqual(first.Ticket!, second.Ticket!);
        Assert.Equal(Status(first.Ticket!)!.Codes, Status(second.Ticket!)!.Codes);
        Assert.Equal(1, Door.FindCampaign("sale")!.State.Issued);
    }

    /// <summary>Only a sure no is refused at the door: where the state cannot tell, the log decides.</summary>
    [Theory]
    [InlineData("away")]
    [InlineData("missing")]
    [InlineData("behind")]
    public void Claim_KeyedAfterSoldOutAndStateCannotTell_IsAppended(string state)
    {
        Begin(Open("sale", 1));
        Claim("sale", "a", "key-1");
        _world.DecideAndTell();
        Break(state);
        var (winner, loser) = (Claim("sale", "a", "key-1"), Claim("sale", "b", "key-1"));
        Assert.Equal((DoorRefusal.None, DoorRefusal.None), (winner.Refusal, loser.Refusal));
        Assert.Equal((3, 4), (winner.Ticket!.Claim.Offset, loser.Ticket!.Claim.Offset));
        Mend();
        _world.DecideAndTell();
        Assert.Equal((CouponOutcome.Issued, CouponOutcome.SoldOut), (Status(winner.Ticket!)!.Outcome, Status(loser.Ticket!)!.Outcome));
    }

    [Fact]
    public void Status_Waiting_TellsAPositionThatFalls()
    {
        Begin(Open("sale", 1));
        Engine.Append(CouponTestData.Claim("sale", "x", 1), CouponTestData.Claim("sale", "y", 1));
        var a = Claim("sale", "a");
        var b = Claim("sale", "b");
        Assert.Equal((CouponOutcome.None, b.Position), (Status(b.Ticket!)!.Outcome, Status(b.Ticket!)!.Position));
        Engine.Decide();
        Engine.Tell(1);
        _world.Pump.Run();
        Assert.InRange(Status(b.Ticket!)!.Position, 1, b.Position - 1);
        Engine.Tell();
        _world.Pump.Run();
        Assert.Equal((CouponOutcome.SoldOut, 0), (Status(a.Ticket!)!.Outcome, Status(b.Ticket!)!.Position));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Status_Decided_TellsTheCodeOrTheReason(bool recentlyTold)
    {
        if (!recentlyTold)
            _world.Options.RecentBytesMax = 0;
        Begin(Open("sale", 2, perUser: 2));
        var tickets = new[] { "a", "a", "a", "b" }.Select(u => Claim("sale", u).Ticket!).ToList();
        Engine.ToldAtMs = 8_000;
        _world.DecideAndTell();

        var won = Status(tickets[0])!;
        Assert.Equal((CouponOutcome.Issued, 0L), (won.Outcome, won.Position));
        Assert.Equal([Code("sale", 0)], won.Codes);
        var already = Status(tickets[2])!;
        Assert.Equal(CouponOutcome.AlreadyClaimed, already.Outcome);
        Assert.Equal([Code("sale", 0), Code("sale", 1)], already.Codes);
        var lost = Status(tickets[3])!;
        Assert.Equal(CouponOutcome.SoldOut, lost.Outcome);
        Assert.Empty(lost.Codes);
        Assert.All([won, already, lost], s => Assert.Equal(recentlyTold ? 8_000 : null, s.DecidedAtMs));
    }

    [Theory]
    [InlineData("away")]
    [InlineData("missing")]
    [InlineData("behind")]
    public void Status_StateCannotTell_IsWaitingAndNeverRefused(string state)
    {
        _world.Options.RecentBytesMax = 0;
        Begin(Open("sale", 1));
        var won = Claim("sale", "a").Ticket!;
        var lost = Claim("sale", "b").Ticket!;
        _world.DecideAndTell();
        Break(state);
        Assert.Equal((CouponOutcome.None, 1L), (Status(won)!.Outcome, Status(won)!.Position));
        Assert.Equal((CouponOutcome.None, 1L), (Status(lost)!.Outcome, Status(lost)!.Position));
        Mend();
        Assert.Equal((CouponOutcome.Issued, CouponOutcome.SoldOut), (Status(won)!.Outcome, Status(lost)!.Outcome));
    }

    [Fact]
    public void Status_AlreadyClaimedAndStateAway_WaitsForTheCodes()
    {
        Begin(Open("sale", 5));
        Claim("sale", "a");
        var again = Claim("sale", "a").Ticket!;
        _world.DecideAndTell();
        _world.State.IsAway = true;
        Assert.Equal(CouponOutcome.None, Status(again)!.Outcome);
        _world.State.IsAway = false;
        Assert.Equal(CouponOutcome.AlreadyClaimed, Status(again)!.Outcome);
    }

    [Fact]
    public void Status_Waits_EndsWithTheDecision()
    {
        Begin(Open("sale", 1));
        var won = Door.StatusAsync(Claim("sale", "a").Ticket!, Wait, default);
        var lost = Door.StatusAsync(Claim("sale", "b").Ticket!, Wait, default);
        _world.Pump.Run();
        Assert.False(won.IsCompleted || lost.IsCompleted);
        _world.DecideAndTell();
        Assert.Equal([Code("sale", 0)], _world.Pump.Await(won)!.Codes);
        Assert.Equal(CouponOutcome.SoldOut, _world.Pump.Await(lost)!.Outcome);
    }

    [Fact]
    public void Status_WaitEndsFirst_IsWaiting()
    {
        Begin(Open("sale", 1));
        var status = Door.StatusAsync(Claim("sale", "a").Ticket!, Wait, default);
        _world.Advance(Wait - TimeSpan.FromMilliseconds(1));
        Assert.False(status.IsCompleted);
        _world.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal((CouponOutcome.None, 1L), (_world.Pump.Result(status)!.Outcome, _world.Pump.Result(status)!.Position));
        Assert.Equal(0, _world.Follower.Waiting);
    }

    [Fact]
    public void Status_NothingCanWakeIt_AsksAgainFromTimeToTime()
    {
        _world.Options.RecentBytesMax = 0;
        Begin(Open("sale", 1));
        var ticket = Claim("sale", "a").Ticket!;
        _world.DecideAndTell();
        _world.State.IsAway = true;
        var status = Door.StatusAsync(ticket, Wait, default);
        _world.Advance(TimeSpan.FromSeconds(1));
        Assert.False(status.IsCompleted);
        _world.State.IsAway = false;
        _world.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Equal(CouponOutcome.Issued, _world.Pump.Result(status)!.Outcome);
    }

    [Fact]
    public void Status_Cancelled_Ends()
    {
        Begin(Open("sale", 1));
        using var cancel = new CancellationTokenSource();
        var status = Door.StatusAsync(Claim("sale", "a").Ticket!, Wait, cancel.Token);
        _world.Pump.Run();
        cancel.Cancel();
        _world.Pump.Run();
        Assert.True(status.IsCanceled);
        Assert.Equal(0, _world.Follower.Waiting);
    }

    [Fact]
    public void Status_TicketOfAnotherLogOrPartition_IsNull()
    {
        Begin(Open("sale", 1));
        var ticket = Claim("sale", "a").Ticket!;
        Assert.Null(Status(ticket with { Claim = ticket.Claim with { Log = new LogId(Guid.Empty) } }));
        Assert.Null(Status(ticket with { Claim = ticket.Claim with { Partition = 1 } }));
    }

    [Fact]
    public void Put_NewCampaign_WaitsAndAnswers()
    {
        Begin();
        var put = Door.PutCampaignAsync("sale", Settings(5, description: "{\"name\":\"A\"}"), default);
        _world.Pump.Run();
        Assert.False(put.IsCompleted);
        _world.DecideAndTell();
        var changed = _world.Pump.Await(put);
        Assert.Equal((DoorRefusal.None, CouponOutcome.CampaignOpened, 5), (changed.Refusal, changed.Outcome, changed.Campaign!.State.Quantity));
        Assert.Equal(CouponOutcome.Unchanged, Put("sale", Settings(5, description: "{\"name\":\"A\"}")).Outcome);
        Assert.Equal((CouponOutcome.CampaignChanged, 6), (Put("sale", Settings(6)).Outcome, Door.FindCampaign("sale")!.State.Quantity));
    }

    [Fact]
    public void Put_BelowIssued_TellsSoAndChangesNothing()
    {
        Begin(Open("sale", 5), CouponTestData.Claim("sale", "a", 1), CouponTestData.Claim("sale", "b", 1));
        var put = Put("sale", Settings(1));
        Assert.Equal((CouponOutcome.QuantityBelowIssued, 5), (put.Outcome, put.Campaign!.State.Quantity));
    }

    [Fact]
    public void Put_NotDecidedInTime_IsUndecided()
    {
        Begin();
        var put = Door.PutCampaignAsync("sale", Settings(5), default);
        _world.Advance(_world.Options.DecisionWait);
        Assert.Equal(new CampaignChanged(DoorRefusal.None, CouponOutcome.None, null), _world.Pump.Result(put));
        _world.DecideAndTell();
        Assert.Equal(5, Door.FindCampaign("sale")!.State.Quantity);
    }

    [Fact]
    public void Put_LogUnavailable_TellsSo()
    {
        Begin();
        _world.Memory.HoldAppends = true;
        var put = Door.PutCampaignAsync("sale", Settings(5), default);
        Assert.Single(_world.Memory.Held).Complete(false);
        Assert.Equal(new CampaignChanged(DoorRefusal.LogUnavailable, CouponOutcome.None, null), _world.Pump.Result(put));
    }

    [Fact]
    public void Close_Campaign_ClosesAndUnknownAppendsNothing()
    {
        Begin(Open("sale", 5));
        var before = Appended;
        Assert.Equal(DoorRefusal.CampaignUnknown, _world.Pump.Result(Door.CloseCampaignAsync("none", default)).Refusal);
        Assert.Equal(before, Appended);
        var closing = Door.CloseCampaignAsync("sale", default);
        _world.DecideAndTell();
        var closed = _world.Pump.Await(closing);
        Assert.Equal((CouponOutcome.CampaignClosed, true), (closed.Outcome, closed.Campaign!.State.IsClosed));
        AssertRefused(DoorRefusal.Closed, "sale", "a");
    }

    [Fact]
    public void CouponsOf_SeveralPartitions_NewestFirstAndNullWhereAPartIsUnavailable()
    {
        using var world = new DoorWorld(partitions: 2);
        var ids = Enumerable.Range(0, 100).Select(i => $"c{i}").ToLookup(id => MachineTopics.PartitionOf(id, 2));
        var (left, right) = (ids[0].First(), ids[1].First());
        world.Engines[0].Append(Open(left, 5, perUser: 2), CouponTestData.Claim(left, "a", 1, 100), CouponTestData.Claim(left, "a", 2, 300), CouponTestData.Claim(left, "b", 3, 400));
        world.Engines[1].Append(Open(right, 5), CouponTestData.Claim(right, "a", 1, 200));
        world.DecideAndTell();
        world.Start();
        Assert.Null(world.Door.NotReady);

        var coupons = world.Pump.Result(world.Door.CouponsOfAsync("a"))!;
        Assert.Equal([(left, 300L), (right, 200L), (left, 100L)], coupons.Select(c => (c.CampaignId, c.InstantMs)));
        Assert.Equal((1, 0), CouponCode.TryDecodeCampaign(coupons[1].Code));
        Assert.Empty(world.Pump.Result(world.Door.CouponsOfAsync("c"))!);

        world.State.MissingPartition = 1;
        Assert.Null(world.Pump.Result(world.Door.CouponsOfAsync("a")));
        world.State.MissingPartition = null;
        world.State.IsAway = true;
        Assert.Null(world.Pump.Result(world.Door.CouponsOfAsync("a")));
    }

    [Fact]
    public void CouponsOf_StateBehindWhatIsTold_IsNull()
    {
        Begin(Open("sale", 1), CouponTestData.Claim("sale", "a", 1));
        Assert.Single(_world.Pump.Result(Door.CouponsOfAsync("a"))!);
        Break("behind");
        Assert.Null(_world.Pump.Result(Door.CouponsOfAsync("a")));
    }

    [Fact]
    public void ClaimIdOf_KnownKey_NeverChanges() => Assert.Equal(0xE3B0C44298FC1C14UL, CouponDoor.ClaimIdOf(""));

    private int Appended => _world.Memory.Records("coupon-commands").Count;

    /// <summary>Starts the door with a log that holds these commands, decided and told.</summary>
    private void Begin(params CouponCommand[] commands)
    {
        _world.Start();
        if (commands.Length > 0)
            Engine.Append(commands);
        _world.DecideAndTell();
    }

    private void Break(string state)
    {
        switch (state)
        {
            case "away":
                _world.State.IsAway = true;
                break;
            case "missing":
                _world.State.MissingPartition = 0;
                break;
            default:
                // Only the genesis record is applied, as after a restore that lost the rest.
                var genesis = GenesisRecord.TryDecode(_world.Memory.Records("coupon-commands")[0])!;
                _world.State.Stale = new InMemoryCouponStore(CouponMachine.Instance);
                Assert.Equal(FenceState.Held, _world.Pump.Result(_world.State.Stale.ResetAsync(0, genesis, default)));
                break;
        }
    }

    private void Mend() => (_world.State.IsAway, _world.State.MissingPartition, _world.State.Stale) = (false, null, null);

    private ClaimTaken Claim(string campaign, string user, string? key = null) => _world.Pump.Result(ClaimAsync(campaign, user, key));

    private async Task<ClaimTaken> ClaimAsync(string campaign, string user, string? key = null) => await Door.ClaimAsync(campaign, user, key);

    private ClaimStatus? Status(Ticket ticket) => _world.Pump.Result(Door.StatusAsync(ticket, TimeSpan.Zero, default));

    private CampaignChanged Put(string campaign, CampaignSettings settings)
    {
        var put = Door.PutCampaignAsync(campaign, settings, default);
        _world.DecideAndTell();
        return _world.Pump.Await(put);
    }

    private ClaimTaken AssertRefused(DoorRefusal expected, string campaign, string user, string? key = null)
    {
        var before = Appended;
        var taken = Claim(campaign, user, key);
        Assert.Equal((expected, before), (taken.Refusal, Appended));
        return taken;
    }

    private string Code(string campaign, int sequence) => _codes.Of(0, campaign, Door.FindCampaign(campaign)!.State, sequence);
}
