using System.Text.Json;
using FlashSale.Core;
using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Server.Http;

namespace FlashSale.Server.Coupons;

/// <summary>Opening, changing, closing and showing campaigns.</summary>
internal static class CampaignEndpoints
{
    private const int NameMax = 200;
    private const int PageSizeDefault = 50;
    private const int PageSizeMax = 500;

    public static void MapCampaigns(this WebApplication app)
    {
        app.MapPut("/api/campaigns/{campaignId}", PutAsync).WithTags("Coupons").WithSummary("Opens a campaign or changes it (admin)")
            .Accepts<CampaignRequest>("application/json").Produces<CampaignResponse>().Produces(202).ProducesProblem(400).ProducesProblem(409).ProducesProblem(503);
        app.MapPost("/api/campaigns/{campaignId}/close", CloseAsync).WithTags("Coupons").WithSummary("Closes a campaign (admin)")
            .Produces<CampaignResponse>().Produces(202).ProducesProblem(404).ProducesProblem(503);
        app.MapGet("/api/campaigns", List).WithTags("Coupons").WithSummary("All campaigns, newest first, by page").Produces<CampaignPage>();
        app.MapGet("/api/campaigns/{campaignId}", Get).WithTags("Coupons").WithSummary("One campaign").Produces<CampaignResponse>().ProducesProblem(404);
    }

    /// <summary>A campaign as callers see it at an instant.</summary>
    public static CampaignResponse Response(CampaignView campaign, CouponFollower follower, DateTimeOffset now)
    {
        var state = campaign.State;
        var description = JsonSerializer.Deserialize(campaign.Description.Span, ServerJson.Default.CampaignDescription);
        var (commands, age) = follower.Lag();
        return new CampaignResponse(
            campaign.CampaignId, description?.Name ?? "", StateName(campaign, now.ToUnixTimeMilliseconds()), state.Quantity, state.PerUser, state.Issued,
            state.Quantity - state.Issued, Instant(state.OpensAtMs), Instant(state.ClosesAtMs), description?.Discount,
            new Lag(commands, Math.Round(age.TotalSeconds, 3)));
    }

    private static async Task<IResult> PutAsync(HttpContext context, string campaignId, Api api)
    {
        if (api.Callers.Admin(context) is { } notAllowed)
            return notAllowed;
        var (body, unreadable) = await Bodies.ReadAsync(context, ServerJson.Default.CampaignRequest);
        if (unreadable is not null)
            return unreadable;
        if (Check(campaignId, body!) is { Count: > 0 } errors)
            return Problem.Invalid(errors);
        if (!api.TryDoor(out var door, out var problem))
            return problem;
        return Answer(await door.PutCampaignAsync(campaignId, SettingsOf(body!), context.RequestAborted), campaignId, door, context, api);
    }

    private static async Task<IResult> CloseAsync(HttpContext context, string campaignId, Api api)
    {
        if (api.Callers.Admin(context) is { } notAllowed)
            return notAllowed;
        if (!Identifier.IsValid(campaignId))
            return Problem.Invalid("campaignId", Identifier.Rule);
        if (!api.TryDoor(out var door, out var problem))
            return problem;
        return Answer(await door.CloseCampaignAsync(campaignId, context.RequestAborted), campaignId, door, context, api);
    }

    private static IResult Get(string campaignId, Api api)
    {
        if (!Identifier.IsValid(campaignId))
            return Problem.Invalid("campaignId", Identifier.Rule);
        if (!api.TryDoor(out var door, out var problem))
            return problem;
        if (door.FindCampaign(campaignId) is { } campaign)
            return Results.Json(Response(campaign, door.FollowerOf(campaignId), api.Time.GetUtcNow()), ServerJson.Default.CampaignResponse);
        return Problem.Of(door.FollowerOf(campaignId).NotReady is null ? DoorRefusal.CampaignUnknown : DoorRefusal.NotReady);
    }

    private static IResult List(HttpContext context, Api api)
    {
        if (!TryNumber(context, "page", 1, 1_000_000, out var page))
            return Problem.Invalid("page", "must be a number from 1");
        if (!TryNumber(context, "pageSize", PageSizeDefault, PageSizeMax, out var size))
            return Problem.Invalid("pageSize", $"must be 1 to {PageSizeMax}");
        if (!api.TryDoor(out var door, out var problem))
            return problem;
        if (door.NotReady is not null)
            return Problem.Of(DoorRefusal.NotReady);

        var all = door.Partitions.SelectMany(p => p.Campaigns.Select(c => (Campaign: c, Follower: p)))
            .OrderByDescending(c => c.Campaign.State.OpenedAtMs).ThenBy(c => c.Campaign.CampaignId, StringComparer.Ordinal).ToList();
        var now = api.Time.GetUtcNow();
        var shown = all.Skip((page - 1) * size).Take(size).Select(c => Response(c.Campaign, c.Follower, now)).ToList();
        var next = page * (long)size < all.Count ? $"/api/campaigns?page={page + 1}&pageSize={size}" : null;
        return Results.Json(new CampaignPage(shown, page, size, all.Count, next), ServerJson.Default.CampaignPage);
    }

    private static IResult Answer(CampaignChanged changed, string campaignId, CouponDoor door, HttpContext context, Api api)
    {
        if (changed.Refusal != DoorRefusal.None)
        {
            api.Telemetry.Refused(changed.Refusal);
            return Problem.Of(changed.Refusal);
        }

        switch (changed.Outcome)
        {
            case CouponOutcome.None:
                context.Response.Headers.Location = $"/api/campaigns/{campaignId}";
                return Results.StatusCode(202);
            case CouponOutcome.CampaignUnknown:
                return Problem.Of(DoorRefusal.CampaignUnknown);
            case CouponOutcome.QuantityBelowIssued:
                return new Problem(409, "quantity-below-issued", "More coupons are issued than the new quantity.");
            case CouponOutcome.ChangeLimit:
                return new Problem(409, "change-limit", $"A campaign can be changed {CouponLimits.ChangesMax - 1} times.");
            case CouponOutcome.CampaignLimit:
                return new Problem(409, "campaign-limit", "This partition has as many campaigns as coupon codes can tell apart.");
            default:
                return Results.Json(Response(changed.Campaign!, door.FollowerOf(campaignId), api.Time.GetUtcNow()), ServerJson.Default.CampaignResponse);
        }
    }

    private static Dictionary<string, string> Check(string campaignId, CampaignRequest body)
    {
        var errors = new Dictionary<string, string>();
        if (!Identifier.IsValid(campaignId))
            errors.Add("campaignId", Identifier.Rule);
        if (string.IsNullOrWhiteSpace(body.Name) || body.Name.Length > NameMax)
            errors.Add("name", $"must be 1 to {NameMax} characters");
        if (body.Quantity is not (>= 1 and <= CouponLimits.QuantityMax))
            errors.Add("quantity", $"must be 1 to {CouponLimits.QuantityMax}");
        if (body.PerUser is not (null or (>= 1 and <= CouponLimits.PerUserMax)))
            errors.Add("perUser", $"must be 1 to {CouponLimits.PerUserMax}");
        if (body.OpensAt is { } opens && opens.ToUnixTimeMilliseconds() <= 0)
            errors.Add("opensAt", "must be after 1970");
        if (body.ClosesAt is { } closes && (closes.ToUnixTimeMilliseconds() <= 0 || closes <= body.OpensAt))
            errors.Add("closesAt", "must be after opensAt");
        if (body.Discount is { } discount && !IsValid(discount))
            errors.Add("discount", "kind must be amount or percent, value above 0 (percent: at most 100)");
        return errors;
    }

    private static bool IsValid(Discount discount) =>
        (discount.Kind == "amount" && discount.Value is > 0 and < 1_000_000_000_000m) || (discount.Kind == "percent" && discount.Value is > 0 and <= 100);

    private static CampaignSettings SettingsOf(CampaignRequest body) => new(
        (int)body.Quantity!, (int)(body.PerUser ?? 1), body.OpensAt?.ToUnixTimeMilliseconds() ?? 0, body.ClosesAt?.ToUnixTimeMilliseconds() ?? 0,
        JsonSerializer.SerializeToUtf8Bytes(new CampaignDescription(body.Name!.Trim(), body.Discount), ServerJson.Default.CampaignDescription));

    private static string StateName(CampaignView campaign, long now) => campaign.RefusalAt(now) switch
    {
        CouponOutcome.NotOpen => campaign.State.IsClosed ? "closed" : "scheduled",
        CouponOutcome.Closed => "closed",
        CouponOutcome.SoldOut => "sold-out",
        _ => "open",
    };

    private static DateTimeOffset? Instant(long ms) => ms == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(ms);

    private static bool TryNumber(HttpContext context, string name, int otherwise, int max, out int number)
    {
        var text = context.Request.Query[name].ToString();
        number = otherwise;
        return text.Length == 0 || (int.TryParse(text, out number) && number >= 1 && number <= max);
    }
}
