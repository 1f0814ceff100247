using System.Collections.Concurrent;

namespace FlashSale.Core.Coupons;

/// <summary>The coupon codes of all campaigns that a process has to do with; may be used by several threads.</summary>
public sealed class CouponCodes
{
    private readonly ConcurrentDictionary<(int Partition, string CampaignId), CouponCode> _campaigns = new();

    public string Of(int partition, string campaignId, in CampaignState campaign, int sequence)
    {
        var codes = _campaigns.GetOrAdd((partition, campaignId), static (_, seed) => new CouponCode(seed), campaign.Seed);
        lock (codes)
            return codes.Encode(partition, campaign.Number, sequence);
    }
}
