using System.Text.Json.Serialization;

namespace FlashSale.Server.Coupons;

/// <summary>Body of a claim.</summary>
public sealed record ClaimRequest(string UserId);

/// <summary>The 202 of a claim.</summary>
/// <param name="Position">Estimated number of commands to be decided up to this one.</param>
public sealed record ClaimAccepted(string Ticket, string State, long Position, string StatusUrl);

/// <summary>What has become of a claim.</summary>
/// <param name="State"><c>waiting</c>, <c>issued</c> or <c>refused</c>.</param>
public sealed record ClaimResponse(
    string Ticket, string CampaignId, string UserId, string State, long? Position = null, string? Reason = null,
    string? CouponCode = null, IReadOnlyList<string>? CouponCodes = null, DateTimeOffset? DecidedAt = null);

/// <summary>Data of the event <c>position</c>.</summary>
public sealed record PositionEvent(long Position);

/// <summary>A discount as callers give it; FlashSale hands it on and does not compute with it before there are orders.</summary>
/// <param name="Kind"><c>amount</c> or <c>percent</c>.</param>
public sealed record Discount(string Kind, decimal Value);

/// <summary>Body of opening or changing a campaign.</summary>
public sealed record CampaignRequest(
    string? Name, long? Quantity, long? PerUser, DateTimeOffset? OpensAt, DateTimeOffset? ClosesAt, Discount? Discount);

/// <summary>What of a campaign the rules do not need, as kept in the log.</summary>
public sealed record CampaignDescription(string Name, Discount? Discount);

/// <summary>How far decisions are behind.</summary>
public sealed record Lag(long Commands, double Seconds);

/// <summary>A campaign.</summary>
/// <param name="State"><c>scheduled</c>, <c>open</c>, <c>sold-out</c> or <c>closed</c>.</param>
public sealed record CampaignResponse(
    string CampaignId, string Name, string State, int Quantity, int PerUser, int Issued, int Remaining,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] DateTimeOffset? OpensAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] DateTimeOffset? ClosesAt,
    Discount? Discount, Lag Lag);

/// <summary>Some of the campaigns, newest first.</summary>
/// <param name="Next">The page after this one, or null.</param>
public sealed record CampaignPage(IReadOnlyList<CampaignResponse> Items, int Page, int PageSize, int Total, string? Next);

/// <summary>A coupon of a user.</summary>
public sealed record UserCouponResponse(string CouponCode, string CampaignId, string State, DateTimeOffset ClaimedAt);

/// <summary>A user's coupons, newest first.</summary>
public sealed record UserCouponsResponse(string UserId, IReadOnlyList<UserCouponResponse> Coupons);
