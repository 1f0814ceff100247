using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.Simulation.Database;

/// <summary>The ledger's tables: what is committed. Behaves as the statements of the real writers do.</summary>
internal sealed class SimulatedDatabase(int partitions)
{
    private readonly LedgerMark?[] _marks = new LedgerMark?[partitions];

    public Dictionary<RecordAddress, LedgerCoupon> Coupons { get; } = [];

    public Dictionary<(int Partition, string CampaignId, CouponOutcome Reason), long> RefusalCounts { get; } = [];

    public Dictionary<RecordAddress, LedgerRefusal> Refusals { get; } = [];

    public Dictionary<string, LedgerCampaign> Campaigns { get; } = [];

    /// <summary>Until then nobody reaches it.</summary>
    public TimeSpan AwayUntil { get; set; }

    /// <summary>Another installation's database stands in this one's place; it is as far.</summary>
    public LogId? Foreign { get; set; }

    public LedgerMark? Mark(int partition) => Foreign is { } other && _marks[partition] is { } mark ? mark with { Log = other } : _marks[partition];

    /// <summary>One transaction.</summary>
    public bool Commit(LedgerBatch batch)
    {
        var isFirst = batch.Before.Written.Offset == 0;
        var mark = Mark(batch.Partition);
        if (mark is not null && mark.Log == batch.Before.Log && Foreign is not null)
            throw new ViolationException("I5", $"outcomes of partition {batch.Partition} are written to another installation's ledger");
        if (isFirst ? mark is not null : mark is null || mark.Log != batch.After.Log || mark.Written != batch.Before.Written)
            return false;
        _marks[batch.Partition] = batch.After;
        foreach (var coupon in batch.Coupons)
        {
            if (!Coupons.TryAdd(coupon.Address, coupon))
                throw new ViolationException("I5", $"the coupon issued at {coupon.Address} is written twice");
        }

        foreach (var refusal in batch.Refusals)
        {
            if (!Refusals.TryAdd(refusal.Address, refusal))
                throw new ViolationException("I5", $"the refusal at {refusal.Address} is written twice");
        }

        foreach (var count in batch.RefusalCounts)
        {
            var key = (batch.Partition, count.CampaignId, count.Reason);
            RefusalCounts[key] = RefusalCounts.GetValueOrDefault(key) + count.Count;
        }

        foreach (var campaign in batch.Campaigns)
            Campaigns[campaign.CampaignId] = campaign.Description is not null || !Campaigns.TryGetValue(campaign.CampaignId, out var known)
                ? campaign
                : campaign with { Description = known.Description };
        return true;
    }
}
