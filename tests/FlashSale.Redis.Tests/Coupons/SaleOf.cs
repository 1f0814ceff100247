using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Redis.Tests.Coupons;

/// <summary>A short log of one partition: genesis, one record that opens a campaign, then records with one claim each.</summary>
internal static class SaleOf
{
    public const string Campaign = "summer";

    public static readonly OwnerToken Owner = new(5, 0x1122334455667788);

    public static readonly GenesisRecord Genesis = new(
        new RecordId(0xFEDCBA9876543210), new LogId(new Guid("8a1f9c58-7a0a-4a3b-9d7e-1f2e3d4c5b6a")), "coupon", 0, 1, MachineTopics.KeyHash, GenesisRecord.RulesCurrent);

    public static readonly RecordPosition Start = new(0, Genesis.Id);

    public static CommandToApply Record(long offset)
    {
        var builder = new CouponRecordBuilder();
        Assert.True(builder.TryAdd(
            offset == 1
                ? CouponCommand.Open(Campaign, new CampaignSettings(3, 1, 0, 0, "{}"u8.ToArray()), new CampaignSeed(9), 1_000)
                : CouponCommand.Claim(Campaign, UserId(offset), ClaimId(offset), 1_000 + offset),
            out _));
        var bytes = builder.Build(IdOf(offset));
        return new CommandToApply(offset, CouponRecord.Inspect(bytes), bytes);
    }

    public static ClaimQuestion Question(long offset) =>
        new(Genesis.Log, 0, offset, 0, Campaign, UserId(offset), ClaimId(offset), 1_000 + offset);

    public static string UserId(long offset) => $"user-{offset}";

    public static RecordPosition At(long offset) => new(offset, offset == 0 ? Genesis.Id : IdOf(offset));

    /// <summary>The records from <paramref name="first"/> to <paramref name="last"/>.</summary>
    public static ApplyBatch Batch(long first, long last, OwnerToken? token = null, long told = 0) => new(
        Genesis.Log, token ?? Owner, At(first - 1), told, [.. Enumerable.Range((int)first, (int)(last - first + 1)).Select(o => Record(o))]);

    private static RecordId IdOf(long offset) => new((ulong)offset + 1_000);

    private static ulong ClaimId(long offset) => (ulong)offset * 31;
}
