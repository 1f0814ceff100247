using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.MySql.Tests;

/// <summary>Batches to write.</summary>
internal static class Batches
{
    public static readonly LogId Log = new(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"));

    public static LedgerMark Mark(long offset) =>
        offset == 0 ? new LedgerMark(Log, default, 0) : new LedgerMark(Log, new RecordPosition(offset, new RecordId(0xFFFF_0000_0000_0000UL + (ulong)offset)), offset * 2);

    public static LedgerBatch Empty(int partition, long before, long after) => new(partition, Mark(before), Mark(after), [], [], [], []);

    /// <summary>One record at <paramref name="offset"/> that issues coupons to users u0, u1, ...</summary>
    public static LedgerBatch Issue(string campaign, int partition, long offset, int sequence, int count) => Empty(partition, offset - 1, offset) with
    {
        Coupons = [.. Enumerable.Range(0, count).Select(i => Coupon(campaign, partition, offset, i, sequence + i))],
    };

    public static LedgerCoupon Coupon(string campaign, int partition, long offset, int index, int sequence) => new(
        new RecordAddress(partition, offset, index), campaign, $"u{index}", $"CODE{sequence:D12}", sequence, ulong.MaxValue - (ulong)sequence, 1_790_000_000_000 + index);

    public static LedgerCampaign Campaign(string id, int partition, int issued, string? description) =>
        new(id, partition, new CampaignState(3, 1_000, 2, 10, 20, IsClosed: true, issued, 30, default), description);
}
