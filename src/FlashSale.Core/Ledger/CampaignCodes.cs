using FlashSale.Core.Coupons;

namespace FlashSale.Core.Ledger;

/// <summary>The coupon codes of a partition's campaigns. Keeps the key schedules of those in use. Not for several threads at a time.</summary>
internal sealed class CampaignCodes(int partition) : IDisposable
{
    // A key schedule holds some 500 bytes of native memory and takes microseconds to make; few campaigns are on sale at once.
    private const int KeptMax = 256;

    private readonly Dictionary<int, CouponCode> _kept = [];

    public string Encode(in CampaignState campaign, int sequence)
    {
        if (!_kept.TryGetValue(campaign.Number, out var codes))
        {
            if (_kept.Count == KeptMax)
                Dispose();
            codes = new CouponCode(campaign.Seed);
            _kept.Add(campaign.Number, codes);
        }

        return codes.Encode(partition, campaign.Number, sequence);
    }

    public void Dispose()
    {
        foreach (var codes in _kept.Values)
            codes.Dispose();
        _kept.Clear();
    }
}
