using FlashSale.Core.Coupons;

namespace FlashSale.Core.Ledger;

/// <summary>The coupon codes of a partition's campaigns. Keeps the key schedules of those in use. Not for several threads at a time.</summary>
internal sealed class CampaignCodes(int partition) : IDisposable
{
    // A key schedule holds some 500 bytes of native memory and takes microseconds to make; few campaigns are on sale at once.
    private const int KeptMax = 256;

    private readonly Dictionary<int, Kept> _kept = [];

    /// <summary>The code of a coupon.</summary>
    /// <param name="following">So many coupons of the campaign, at most, are about to be asked for next, one after the other.</param>
    public string Encode(in CampaignState campaign, int sequence, int following = 0)
    {
        if (!_kept.TryGetValue(campaign.Number, out var kept))
        {
            if (_kept.Count == KeptMax)
                Dispose();
            kept = new Kept(new CouponCode(campaign.Seed));
            _kept.Add(campaign.Number, kept);
        }

        if (sequence < kept.First || sequence >= kept.First + kept.Made)
        {
            kept.First = sequence;
            kept.Made = Math.Min(following + 1, CouponCode.BlocksMax);
            kept.Codes.Encode(partition, campaign.Number, sequence, kept.Texts.AsSpan(0, kept.Made));
        }

        return kept.Texts[sequence - kept.First];
    }

    public void Dispose()
    {
        foreach (var kept in _kept.Values)
            kept.Codes.Dispose();
        _kept.Clear();
    }

    private sealed class Kept(CouponCode codes)
    {
        public CouponCode Codes { get; } = codes;

        /// <summary>Those made last, from the sequence number <see cref="First"/> on.</summary>
        public string[] Texts { get; } = new string[CouponCode.BlocksMax];

        public int First { get; set; }

        public int Made { get; set; }
    }
}
