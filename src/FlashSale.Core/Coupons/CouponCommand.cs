namespace FlashSale.Core.Coupons;

/// <summary>What a coupon command asks for. Use, restore and revoke (4 to 6) come with orders.</summary>
public enum CouponCommandKind : byte
{
    Open = 1,
    Change = 2,
    Close = 3,
    Claim = 7,
}

/// <summary>The 128-bit secret of a campaign, drawn when it is opened and kept in the log: its coupon codes follow from it.</summary>
public readonly record struct CampaignSeed(UInt128 Value)
{
    public const int Size = 16;
}

/// <summary>What open and change set.</summary>
/// <param name="Quantity">1 to 100,000,000.</param>
/// <param name="PerUser">Coupons per user, 1 to 1,000.</param>
/// <param name="OpensAtMs">First instant of the window in Unix milliseconds; 0: from now on.</param>
/// <param name="ClosesAtMs">First instant after the window in Unix milliseconds; 0: never.</param>
/// <param name="Description">Name and discount as JSON, opaque to the machine; at most 4,096 bytes.</param>
public sealed record CampaignSettings(int Quantity, int PerUser, long OpensAtMs, long ClosesAtMs, ReadOnlyMemory<byte> Description)
{
    public bool Equals(CampaignSettings? other) =>
        other is not null && Quantity == other.Quantity && PerUser == other.PerUser && OpensAtMs == other.OpensAtMs
        && ClosesAtMs == other.ClosesAtMs && Description.Span.SequenceEqual(other.Description.Span);

    public override int GetHashCode() => HashCode.Combine(Quantity, PerUser, OpensAtMs, ClosesAtMs);
}

/// <summary>One coupon command. What a kind does not have is null or zero.</summary>
/// <param name="InstantMs">When the front door accepted it, Unix milliseconds: the only time that a decision knows.</param>
/// <param name="ClaimId">The claim's id: from the idempotency key, else random.</param>
public sealed record CouponCommand(
    CouponCommandKind Kind, string CampaignId, long InstantMs, string? UserId = null, ulong ClaimId = 0,
    CampaignSettings? Settings = null, CampaignSeed Seed = default)
{
    public static CouponCommand Claim(string campaignId, string userId, ulong claimId, long instantMs) =>
        new(CouponCommandKind.Claim, campaignId, instantMs, userId, claimId);

    public static CouponCommand Open(string campaignId, CampaignSettings settings, CampaignSeed seed, long instantMs) =>
        new(CouponCommandKind.Open, campaignId, instantMs, Settings: settings, Seed: seed);

    public static CouponCommand Change(string campaignId, CampaignSettings settings, long instantMs) =>
        new(CouponCommandKind.Change, campaignId, instantMs, Settings: settings);

    public static CouponCommand Close(string campaignId, long instantMs) => new(CouponCommandKind.Close, campaignId, instantMs);
}
