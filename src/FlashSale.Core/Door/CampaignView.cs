using FlashSale.Core.Coupons;

namespace FlashSale.Core.Door;

/// <summary>What a node knows of a campaign: as of the last event it has seen.</summary>
/// <param name="Description">Name and discount as JSON.</param>
public sealed record CampaignView(string CampaignId, int Partition, CampaignState State, ReadOnlyMemory<byte> Description)
{
    /// <summary>The refusal that is certain for a claim at an instant, or none.</summary>
    public CouponOutcome RefusalAt(long instantMs)
    {
        var window = State.WindowAt(instantMs);
        return window != CouponOutcome.None ? window : State.IsSoldOut ? CouponOutcome.SoldOut : CouponOutcome.None;
    }
}
