using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using static FlashSale.Core.Tests.Coupons.CouponTestData;

namespace FlashSale.Core.Tests.Coupons;

public sealed class CouponOutcomesTests
{
    private static readonly byte[] Example = Apply(Record(1, Open("sale", 2), Claim("sale", "a", 5), Claim("sale", "a", 5), Claim("gone", "a", 6)));

    [Fact]
    public void Apply_KnownRecord_GivesTheDocumentedBytes() => Assert.Equal(
        "0001" + "0000" // one campaign exists: the first one named
        + "00000000" + "00000002" + "0001" + "000000000000" + "000000000000" + "00" + "00000001" + "0000000003E8"
        + "0123456789ABCDEFFEDCBA9876543210" // its state
        + "14" + "01" + "00000000" + "02" + "00000000" + "0A", // opened, issued 0, issued before 0, unknown
        Convert.ToHexString(Example));

    [Fact]
    public void Open_Example_ShowsCampaignsAndOutcomes()
    {
        var outcomes = CouponOutcomes.Open(Example);
        Assert.Equal(1, outcomes.CampaignCount);
        Assert.Equal((0, new CampaignState(0, 2, 1, 0, 0, false, 1, 1_000, Seed)), outcomes.CampaignAt(0));
        Assert.Equal(
            [(CouponOutcome.CampaignOpened, -1), (CouponOutcome.Issued, 0), (CouponOutcome.IssuedBefore, 0), (CouponOutcome.CampaignUnknown, -1)], Read(Example));
    }

    [Fact]
    public void Open_AnyTruncation_IsReadOrRefused()
    {
        for (var length = 0; length < Example.Length; length++)
        {
            try
            {
                Assert.True(Read(Example.AsSpan(0, length)).Count < 4);
            }
            catch (LogRefusedException)
            {
                // Cut within a field.
            }
        }
    }

    [Fact]
    public void Read_UndecodableAndEmpty_HaveOneAndNoOutcome()
    {
        Assert.Equal([(CouponOutcome.Undecodable, -1)], Read(CouponOutcomes.OfUndecodable()));
        Assert.Empty(Read(CouponOutcomes.OfEmpty()));
    }

    [Fact]
    public void Name_EveryOutcome_HasAnotherOne()
    {
        var outcomes = Enum.GetValues<CouponOutcome>().Where(o => o != CouponOutcome.None).ToList();
        Assert.Equal(outcomes.Count, outcomes.Select(o => o.Name()).Distinct().Count());
        Assert.Throws<ArgumentOutOfRangeException>(() => CouponOutcome.None.Name());
    }

    [Theory]
    [InlineData(0, 1, 1, 0L, 0L, false, 0, 0L)]
    [InlineData(16_383, CouponLimits.QuantityMax, CouponLimits.PerUserMax, (1L << 48) - 1, (1L << 48) - 1, true, CouponLimits.QuantityMax, (1L << 48) - 1)]
    public void CampaignState_Written_IsReadTheSame(
        int number, int quantity, int perUser, long opensAt, long closesAt, bool isClosed, int issued, long openedAt)
    {
        var state = new CampaignState(number, quantity, perUser, opensAt, closesAt, isClosed, issued, openedAt, new CampaignSeed(UInt128.MaxValue - 5));
        var bytes = new byte[CampaignState.Size];
        state.Write(bytes);
        Assert.Equal(state, CampaignState.Read(bytes));
    }

    private static byte[] Apply(byte[] record) => new CouponModel().Apply(1, CouponRecord.Inspect(record), record);
}
