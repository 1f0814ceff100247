namespace FlashSale.Core.Coupons;

/// <summary>The outcome of one command. The numbers are in the log and in the Lua scripts (a test compares them); none is ever reused.</summary>
public enum CouponOutcome : byte
{
    /// <summary>No outcome.</summary>
    None = 0,

    /// <summary>A coupon is issued; its sequence number follows.</summary>
    Issued = 1,

    /// <summary>The claim id has won before: the same coupon again, nothing changes; its sequence number follows.</summary>
    IssuedBefore = 2,

    // Refusals of a claim, in order of precedence.
    CampaignUnknown = 10,
    NotOpen = 11,
    Closed = 12,
    AlreadyClaimed = 13,
    SoldOut = 14,

    // Outcomes of open, change and close.
    CampaignOpened = 20,
    CampaignChanged = 21,
    CampaignClosed = 22,
    Unchanged = 23,
    QuantityBelowIssued = 24,
    ChangeLimit = 25,
    CampaignLimit = 26,

    /// <summary>The record cannot be read.</summary>
    Undecodable = 30,
}

/// <summary>The names of outcomes as they appear in HTTP answers, metrics, the ledger and reports.</summary>
public static class CouponOutcomeNames
{
    public static string Name(this CouponOutcome outcome) => outcome switch
    {
        CouponOutcome.Issued => "issued",
        CouponOutcome.IssuedBefore => "issued-before",
        CouponOutcome.CampaignUnknown => "campaign-unknown",
        CouponOutcome.NotOpen => "not-open",
        CouponOutcome.Closed => "closed",
        CouponOutcome.AlreadyClaimed => "already-claimed",
        CouponOutcome.SoldOut => "sold-out",
        CouponOutcome.CampaignOpened => "campaign-opened",
        CouponOutcome.CampaignChanged => "campaign-changed",
        CouponOutcome.CampaignClosed => "campaign-closed",
        CouponOutcome.Unchanged => "unchanged",
        CouponOutcome.QuantityBelowIssued => "quantity-below-issued",
        CouponOutcome.ChangeLimit => "change-limit",
        CouponOutcome.CampaignLimit => "campaign-limit",
        CouponOutcome.Undecodable => "undecodable",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "not an outcome"),
    };

    /// <summary>The outcome of this name, or null.</summary>
    public static CouponOutcome? TryParse(string name)
    {
        foreach (var outcome in Enum.GetValues<CouponOutcome>())
        {
            if (outcome != CouponOutcome.None && outcome.Name() == name)
                return outcome;
        }

        return null;
    }

    /// <summary>Whether a claim with this outcome was refused.</summary>
    public static bool IsRefusal(this CouponOutcome outcome) => outcome is >= CouponOutcome.CampaignUnknown and <= CouponOutcome.SoldOut;

    /// <summary>Whether a claim with this outcome has a coupon (and a sequence number follows).</summary>
    public static bool IsIssued(this CouponOutcome outcome) => outcome is CouponOutcome.Issued or CouponOutcome.IssuedBefore;
}
