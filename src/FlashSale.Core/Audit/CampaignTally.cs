using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>What the claims of one campaign came to, in the order of the log.</summary>
internal sealed class CampaignTally(string campaignId)
{
    private readonly long[] _outcomes = new long[(int)CouponOutcome.Undecodable + 1];
    private long _newestInstantMs;

    public string CampaignId => campaignId;

    /// <summary>Claims in the log: each was acknowledged, or its append was in doubt.</summary>
    public long Claims { get; private set; }

    public RecordAddress? FirstClaim { get; private set; }

    public RecordAddress? LastClaim { get; private set; }

    /// <summary>Claims that a door took before some claim that stands before them in the log.</summary>
    public long Overtaken { get; private set; }

    /// <summary>The longest time by which a claim was overtaken.</summary>
    public long OvertakenMsMax { get; private set; }

    /// <summary>Set where the outcomes are to be hashed.</summary>
    public OutcomeHash? Hash { get; init; }

    public long this[CouponOutcome outcome] => _outcomes[(int)outcome];

    /// <summary>How often claims had each outcome other than a new coupon.</summary>
    public IEnumerable<(CouponOutcome Outcome, long Count)> NotIssued
    {
        get
        {
            for (var outcome = CouponOutcome.IssuedBefore; (int)outcome < _outcomes.Length; outcome++)
            {
                if (this[outcome] > 0)
                    yield return (outcome, this[outcome]);
            }
        }
    }

    public void Claim(RecordAddress address, long instantMs, CouponOutcome outcome)
    {
        Count(outcome);
        Claims++;
        FirstClaim ??= address;
        LastClaim = address;
        if (instantMs < _newestInstantMs)
        {
            Overtaken++;
            OvertakenMsMax = Math.Max(OvertakenMsMax, _newestInstantMs - instantMs);
        }
        else
        {
            _newestInstantMs = instantMs;
        }
    }

    public void Count(CouponOutcome outcome) => _outcomes[(int)outcome]++;
}
