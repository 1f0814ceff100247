using FlashSale.Cli.Storm;

namespace FlashSale.Cli.Tests.Storm;

public sealed class VerdictTests
{
    // 3 coupons, 5 users, one of them twice: 3 issued, 2 sold out, 1 already claimed.
    private static readonly CampaignEvidence Clean = new()
    {
        CampaignId = "c",
        Quantity = 3,
        PerUser = 1,
        IssuedBefore = 0,
        IssuedAfter = [3, 3],
        Told = [new ToldCoupon(0, "A"), new ToldCoupon(1, "B"), new ToldCoupon(2, "C")],
        Accepted = 6,
        Issued = 3,
        Refused = 3,
        SoldOut = 2,
        Demand = 5,
    };

    [Fact]
    public void Judge_CleanEvidence_IsExact()
    {
        Verdict verdict = Judge(Clean);
        Assert.True(verdict.Exact);
        Assert.Equal("EXACT: 3 of 3 issued to 3 users; 6 accepted = 6 decided", verdict.Line);
    }

    [Fact]
    public void Judge_LittleDemand_IsExactWithoutSellingOut() =>
        Assert.True(Judge(Clean with { Quantity = 10, IssuedAfter = [3], SoldOut = 0, Demand = 3 }).Exact);

    [Fact]
    public void Judge_IssuedBefore_CountsOnlyTheRest() =>
        Assert.True(Judge(Clean with { Quantity = 10, IssuedBefore = 7, IssuedAfter = [10] }).Exact);

    [Fact]
    public void Judge_LedgerAgrees_IsExact() => Assert.True(Judge(Clean with { LedgerRows = 3 }).Exact);

    [Fact]
    public void Judge_OneMoreIssued_IsOversold() => AssertViolation(Clean with { IssuedAfter = [4, 4] }, "oversold: 4 issued of 3");

    [Fact]
    public void Judge_OneMoreTold_IsOversold() =>
        AssertViolation(Clean with { Told = [.. Clean.Told, new ToldCoupon(3, "D")] }, "oversold: 4 callers were told to have won, 3 were left");

    [Fact]
    public void Judge_MoreToldThanCounted_IsFound() =>
        AssertViolation(Clean with { IssuedAfter = [2] }, "3 callers were told to have won, the campaign counts 2");

    [Fact]
    public void Judge_FewerToldThanCounted_IsFound() =>
        AssertViolation(Clean with { Told = [.. Clean.Told.Take(2)], InDoubt = 1 }, "the campaign counts 3 issued, only 2 callers were told (1 claims had no answer and could not be looked up)");

    [Fact]
    public void Judge_ServersDisagree_IsFound() => AssertViolation(Clean with { IssuedAfter = [3, 2] }, "the servers disagree on the number issued: 3, 2");

    [Fact]
    public void Judge_OneServerSilent_IsFound() => AssertViolation(Clean with { IssuedAfter = [3, null] }, "the servers disagree on the number issued: 3, no answer");

    [Fact]
    public void Judge_AllServersSilent_IsFound() => AssertViolation(Clean with { IssuedAfter = [null] }, "no server tells how many were issued");

    [Fact]
    public void Judge_UserHoldsTwo_IsFound() =>
        AssertViolation(Clean with { Told = [new ToldCoupon(0, "A"), new ToldCoupon(0, "B"), new ToldCoupon(2, "C")] }, "1 users hold more than 1, such as user 0");

    [Fact]
    public void Judge_UserHoldsTwoOfTwo_IsExact() =>
        Assert.True(Judge(Clean with { PerUser = 2, Told = [new ToldCoupon(0, "A"), new ToldCoupon(0, "B"), new ToldCoupon(2, "C")] }).Exact);

    [Fact]
    public void Judge_AcceptedWithoutOutcome_IsFound() => AssertViolation(Clean with { Accepted = 8 }, "2 accepted claims are without an outcome");

    [Fact]
    public void Judge_OnlyASampleAsked_DoesNotMissTheOthers()
    {
        Verdict verdict = Judge(Clean with { Told = [.. Clean.Told.Take(1)], Issued = 1, Refused = 0, EveryDecisionAsked = false });
        Assert.True(verdict.Exact);
        Assert.Equal("EXACT: 3 of 3 issued; 6 accepted, 1 asked about", verdict.Line);
    }

    [Fact]
    public void Judge_RefusedThoughSomeAreLeft_IsFound() =>
        AssertViolation(Clean with { Quantity = 4, Demand = 3 }, "2 claims were refused as sold out, though only 3 of 4 are issued");

    [Fact]
    public void Judge_DemandNotMet_IsUndersold() => AssertViolation(Clean with { Quantity = 4, SoldOut = 0, Demand = 5 }, "undersold: 3 of 4 issued, though 5 were asked for");

    [Fact]
    public void Judge_LedgerDiffers_IsFound() => AssertViolation(Clean with { LedgerRows = 2 }, "the ledger has 2 coupons, 3 were issued");

    [Fact]
    public void Judge_CodeToldTwice_IsFoundAcrossCampaigns()
    {
        CampaignEvidence other = Clean with { CampaignId = "d", Told = [new ToldCoupon(5, "X"), new ToldCoupon(6, "Y"), new ToldCoupon(7, "C")] };
        Verdict verdict = Verdict.Judge(new StormEvidence([Clean, other], 0, null, 0, null));
        Assert.Equal(["1 coupon codes were told to more than one claim, such as C"], verdict.Violations);
    }

    [Fact]
    public void Judge_ContradictionsAndUnknownAnswers_AreFound()
    {
        Verdict verdict = Verdict.Judge(new StormEvidence([Clean], 2, "500 oops", 1, "issued A, later refused sold-out"));
        Assert.Equal(
            ["1 claims were told two outcomes, such as issued A, later refused sold-out", "2 claims got an answer that the interface does not know, such as 500 oops"],
            verdict.Violations);
        Assert.StartsWith("NOT EXACT: 2 violations; 3 of 3 issued", verdict.Line, StringComparison.Ordinal);
    }

    private static Verdict Judge(CampaignEvidence evidence) => Verdict.Judge(new StormEvidence([evidence], 0, null, 0, null));

    private static void AssertViolation(CampaignEvidence evidence, string expected)
    {
        Verdict verdict = Judge(evidence);
        Assert.False(verdict.Exact);
        Assert.Contains("c: " + expected, verdict.Violations);
        Assert.StartsWith("NOT EXACT: ", verdict.Line, StringComparison.Ordinal);
    }
}
