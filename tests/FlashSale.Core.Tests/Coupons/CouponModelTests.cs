using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using static FlashSale.Core.Tests.Coupons.CouponTestData;

namespace FlashSale.Core.Tests.Coupons;

public sealed class CouponModelTests
{
    private readonly CouponModel _model = new();
    private long _offset;

    [Fact]
    public void Claim_CampaignUnknown_IsRefusedBeforeAnythingElse() => AssertDecided(CouponOutcome.CampaignUnknown, Claim("none", "a", 1));

    [Theory]
    [InlineData(999, CouponOutcome.NotOpen)]
    [InlineData(1_000, CouponOutcome.Issued)]
    [InlineData(1_999, CouponOutcome.Issued)]
    [InlineData(2_000, CouponOutcome.Closed)]
    [InlineData(2_001, CouponOutcome.Closed)]
    public void Claim_AtTheEdgesOfTheWindow_OpensInclusiveAndClosesExclusive(long at, CouponOutcome expected)
    {
        Decide(Open("sale", 5, opensAt: 1_000, closesAt: 2_000));
        AssertDecided(expected, Claim("sale", "a", 1, at));
    }

    [Theory]
    [InlineData(0)]
    [InlineData((1L << 48) - 1)]
    public void Claim_WindowWithoutEdges_IsAlwaysOpen(long at)
    {
        Decide(Open("sale", 5));
        AssertDecided(CouponOutcome.Issued, Claim("sale", "a", 1, at));
    }

    /// <summary>Each row has all reasons below its own as well: the first that applies is told.</summary>
    [Theory]
    [InlineData(5, true, CouponOutcome.NotOpen)]
    [InlineData(25, true, CouponOutcome.Closed)]
    [InlineData(30, false, CouponOutcome.Closed)]
    [InlineData(25, false, CouponOutcome.AlreadyClaimed)]
    public void Claim_SeveralReasons_IsRefusedWithTheFirst(long at, bool close, CouponOutcome expected)
    {
        Decide(Open("sale", 1, opensAt: 10, closesAt: 30));
        AssertDecided(CouponOutcome.Issued, Claim("sale", "a", 1, 20));
        if (close)
            Decide(Close("sale"));
        AssertDecided(expected, Claim("sale", "a", 2, at));
    }

    [Fact]
    public void Claim_NothingLeft_IsSoldOut()
    {
        Decide(Open("sale", 2));
        AssertDecided(CouponOutcome.Issued, Claim("sale", "a", 1));
        AssertDecided(CouponOutcome.Issued, Claim("sale", "b", 1));
        AssertDecided(CouponOutcome.SoldOut, Claim("sale", "c", 1));
        AssertDecided(CouponOutcome.AlreadyClaimed, Claim("sale", "a", 2));
    }

    [Fact]
    public void Claim_SeveralPerUser_AreIssuedUpToTheLimit()
    {
        Decide(Open("sale", 10, perUser: 3));
        var outcomes = Decide(Claim("sale", "a", 1), Claim("sale", "a", 2), Claim("sale", "b", 1), Claim("sale", "a", 3), Claim("sale", "a", 4));
        Assert.Equal([(CouponOutcome.Issued, 0), (CouponOutcome.Issued, 1), (CouponOutcome.Issued, 2), (CouponOutcome.Issued, 3), (CouponOutcome.AlreadyClaimed, -1)], outcomes);
    }

    [Fact]
    public void Claim_RepeatOfAWin_IsTheSameCouponWhateverHasHappenedSince()
    {
        Decide(Open("sale", 2));
        var won = Assert.Single(Decide(Claim("sale", "a", 7)));
        Decide(Claim("sale", "b", 7));
        var again = (CouponOutcome.IssuedBefore, won.Sequence);

        Assert.Equal([again], Decide(Claim("sale", "a", 7))); // sold out
        Decide(Close("sale"));
        Assert.Equal([again], Decide(Claim("sale", "a", 7))); // closed
        Decide(Change("sale", 2, opensAt: 1_000_000));
        Assert.Equal([again], Decide(Claim("sale", "a", 7))); // not open
        Assert.Equal(2, State("sale").Issued);
    }

    [Fact]
    public void Claim_SameClaimIdOfAnotherUserOrCampaign_IsAnotherClaim()
    {
        Decide(Open("x", 5), Open("y", 5));
        Assert.Equal([(CouponOutcome.Issued, 0), (CouponOutcome.Issued, 1), (CouponOutcome.Issued, 0)], Decide(Claim("x", "a", 7), Claim("x", "b", 7), Claim("y", "a", 7)));
    }

    [Fact]
    public void Claim_RepeatOfARefusal_IsDecidedAnew()
    {
        Decide(Open("sale", 1, opensAt: 100));
        AssertDecided(CouponOutcome.NotOpen, Claim("sale", "a", 7, 99));
        AssertDecided(CouponOutcome.Issued, Claim("sale", "a", 7, 100));
        Decide(Claim("sale", "b", 8, 100));
        Decide(Change("sale", 2));
        AssertDecided(CouponOutcome.Issued, Claim("sale", "b", 8, 100));
    }

    [Fact]
    public void Open_Again_ChangesAndKeepsNumberSeedAndInstant()
    {
        Decide(Open("first", 1), Open("sale", 5, at: 77));
        var other = CouponCommand.Open("sale", Settings(6), new CampaignSeed(1), 88);
        AssertDecided(CouponOutcome.CampaignChanged, other);
        Assert.Equal(new CampaignState(1, 6, 1, 0, 0, false, 0, 77, Seed), State("sale"));
    }

    [Fact]
    public void Change_UnknownCampaign_IsRefused()
    {
        AssertDecided(CouponOutcome.CampaignUnknown, Change("none", 5));
        AssertDecided(CouponOutcome.CampaignUnknown, Close("none"));
        Assert.Empty(_model.Campaigns);
    }

    [Fact]
    public void Change_Quantity_UpReopensDownToIssuedSellsOutBelowIsRefused()
    {
        Decide(Open("sale", 2), Claim("sale", "a", 1), Claim("sale", "b", 1));
        AssertDecided(CouponOutcome.SoldOut, Claim("sale", "c", 1));
        AssertDecided(CouponOutcome.CampaignChanged, Change("sale", 4));
        Assert.Equal([(CouponOutcome.Issued, 2)], Decide(Claim("sale", "c", 1)));
        AssertDecided(CouponOutcome.QuantityBelowIssued, Change("sale", 2));
        Assert.Equal(4, State("sale").Quantity);
        AssertDecided(CouponOutcome.CampaignChanged, Change("sale", 3));
        AssertDecided(CouponOutcome.SoldOut, Claim("sale", "d", 1));
    }

    [Fact]
    public void Change_PerUser_CountsWhatTheUserHolds()
    {
        Decide(Open("sale", 9, perUser: 2), Claim("sale", "a", 1), Claim("sale", "a", 2));
        Decide(Change("sale", 9, perUser: 1));
        AssertDecided(CouponOutcome.AlreadyClaimed, Claim("sale", "a", 3));
        Decide(Change("sale", 9, perUser: 3));
        AssertDecided(CouponOutcome.Issued, Claim("sale", "a", 3));
    }

    [Fact]
    public void Change_SameBody_IsUnchanged()
    {
        Decide(Open("sale", 5, description: "{\"name\":\"A\"}"));
        AssertDecided(CouponOutcome.Unchanged, Change("sale", 5, description: "{\"name\":\"A\"}"));
        AssertDecided(CouponOutcome.Unchanged, Open("sale", 5, description: "{\"name\":\"A\"}"));
        AssertDecided(CouponOutcome.CampaignChanged, Change("sale", 5, description: "{\"name\":\"B\"}"));
        Assert.Equal("{\"name\":\"B\"}"u8.ToArray(), _model.Campaigns.Single().Description.ToArray());
    }

    [Fact]
    public void Change_ClosedCampaign_SameBodyStaysClosedAnotherReopens()
    {
        Decide(Open("sale", 5), Close("sale"));
        AssertDecided(CouponOutcome.Unchanged, Change("sale", 5));
        AssertDecided(CouponOutcome.Closed, Claim("sale", "a", 1));
        AssertDecided(CouponOutcome.Unchanged, Close("sale"));
        AssertDecided(CouponOutcome.CampaignChanged, Change("sale", 6));
        AssertDecided(CouponOutcome.Issued, Claim("sale", "a", 1));
        AssertDecided(CouponOutcome.CampaignClosed, Close("sale"));
    }

    [Fact]
    public void Change_ClosedCampaignToBelowIssued_StaysClosed()
    {
        Decide(Open("sale", 2), Claim("sale", "a", 1), Claim("sale", "b", 1), Close("sale"));
        AssertDecided(CouponOutcome.QuantityBelowIssued, Change("sale", 1));
        Assert.True(State("sale").IsClosed);
    }

    [Fact]
    public void Change_AfterTheLastOneKept_IsRefusedAndClaimsGoOn()
    {
        Decide(Open("sale", 1_000));
        for (var i = 1; i < CouponLimits.ChangesMax; i++)
            AssertDecided(CouponOutcome.CampaignChanged, Change("sale", 1_000 + i));
        AssertDecided(CouponOutcome.ChangeLimit, Change("sale", 5_000));
        AssertDecided(CouponOutcome.ChangeLimit, Close("sale"));
        AssertDecided(CouponOutcome.Unchanged, Change("sale", 1_999));
        AssertDecided(CouponOutcome.Issued, Claim("sale", "a", 1));
        Assert.Equal((1_999, false), (State("sale").Quantity, State("sale").IsClosed));
    }

    [Fact]
    public void Change_ThatChangesNothing_DoesNotCount()
    {
        Decide(Open("sale", 5));
        for (var i = 0; i < CouponLimits.ChangesMax + 1; i++)
            AssertDecided(CouponOutcome.Unchanged, Change("sale", 5));
        AssertDecided(CouponOutcome.CampaignClosed, Close("sale"));
    }

    [Fact]
    public void Open_MoreCampaignsThanACodeCanNumber_IsRefused()
    {
        const int max = CouponLimits.CampaignNumbers / MachineTopics.PartitionsMax;
        for (var i = 0; i < max; i += CouponLimits.RecordCampaignsMax)
            Assert.All(Decide([.. Enumerable.Range(i, Math.Min(CouponLimits.RecordCampaignsMax, max - i)).Select(n => Open($"c{n}", 1))]), o => Assert.Equal(CouponOutcome.CampaignOpened, o.Outcome));
        AssertDecided(CouponOutcome.CampaignLimit, Open("more", 1));
        AssertDecided(CouponOutcome.CampaignUnknown, Claim("more", "a", 1));
        AssertDecided(CouponOutcome.CampaignChanged, Open("c5", 2));
        Assert.Equal(max, _model.Campaigns.Count);
        Assert.Equal(max - 1, State($"c{max - 1}").Number);
    }

    [Fact]
    public void Apply_UndecodableOrEmpty_ChangesNothing()
    {
        Decide(Open("sale", 1));
        Assert.Equal([(CouponOutcome.Undecodable, -1)], Read(_model.Apply(++_offset, CommandRecordInfo.Undecodable([1]), [1])));
        Assert.Empty(Read(_model.Apply(++_offset, new CommandRecordInfo(CommandRecordState.Empty, default, 0), [])));
        AssertDecided(CouponOutcome.Issued, Claim("sale", "a", 1));
    }

    [Fact]
    public void Read_ClaimBeforeTheOpenInTheSameRecord_IsCampaignUnknown()
    {
        Decide(Claim("sale", "a", 1), Open("sale", 1), Claim("sale", "a", 1));
        Assert.Equal(CouponOutcome.CampaignUnknown, Ask(1, 0, "a", 1).Outcome);
        Assert.Equal(CouponOutcome.Issued, Ask(1, 2, "a", 1).Outcome);
    }

    [Fact]
    public void Read_AlreadyClaimed_ShowsAllThatTheUserHolds()
    {
        Decide(Open("sale", 9, perUser: 2), Claim("sale", "a", 1), Claim("sale", "b", 1), Claim("sale", "a", 2), Claim("sale", "a", 3));
        var answer = Ask(1, 4, "a", 3);
        Assert.Equal((CouponOutcome.AlreadyClaimed, Seed), (answer.Outcome, answer.State.Seed));
        Assert.Equal([0, 2], answer.Entries.Select(e => e.Sequence));
    }

    [Fact]
    public void Read_WinOfALaterRepeat_LeavesTheFirstRefusalAsItIs()
    {
        Decide(Open("sale", 9, opensAt: 100));
        Decide(Claim("sale", "a", 1, 99));
        Decide(Claim("sale", "a", 1, 100));
        Decide(Claim("sale", "a", 1, 101));
        Assert.Equal(CouponOutcome.NotOpen, Ask(2, 0, "a", 1, 99).Outcome);
        Assert.Equal(0, Assert.Single(Ask(3, 0, "a", 1, 100).Entries).Sequence);
        Assert.Equal(CouponOutcome.Issued, Ask(4, 0, "a", 1, 101).Outcome);
    }

    [Fact]
    public void ReadUser_SeveralCampaigns_ShowsThoseWithCoupons()
    {
        Decide(Open("x", 5), Open("y", 5), Open("z", 5), Claim("x", "a", 1), Claim("z", "a", 2), Claim("y", "b", 3));
        Assert.Equal(["x", "z"], _model.ReadUser("a").Select(c => c.CampaignId));
        Assert.Empty(_model.ReadUser("c"));
    }

    private ClaimAnswer Ask(long offset, int index, string user, ulong claimId, long at = 2_000) =>
        _model.Read(new ClaimQuestion(TestLog, 0, offset, index, "sale", user, claimId, at));

    private CampaignState State(string campaign) => _model.Campaigns.Single(c => c.CampaignId == campaign).State;

    private List<(CouponOutcome Outcome, int Sequence)> Decide(params CouponCommand[] commands)
    {
        var record = Record((ulong)++_offset, commands);
        return Read(_model.Apply(_offset, CouponRecord.Inspect(record), record));
    }

    private void AssertDecided(CouponOutcome expected, CouponCommand command) => Assert.Equal(expected, Assert.Single(Decide(command)).Outcome);
}
