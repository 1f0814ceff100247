using FlashSale.Core;
using FlashSale.Core.Coupons;
using FlashSale.Server.Http;

namespace FlashSale.Server.Coupons;

/// <summary>What a user holds.</summary>
internal static class UserEndpoints
{
    public static void MapUsers(this WebApplication app) =>
        app.MapGet("/api/users/{userId}/coupons", CouponsAsync).WithTags("Coupons").WithSummary("A user's coupons, newest first")
            .Produces<UserCouponsResponse>().ProducesProblem(503);

    private static async Task<IResult> CouponsAsync(HttpContext context, string userId, Api api)
    {
        if (!Identifier.IsValid(userId))
            return Problem.Invalid("userId", Identifier.Rule);
        var (_, notAllowed) = await api.Callers.UserAsync(context, userId);
        if (notAllowed is not null)
            return notAllowed;
        if (!api.TryDoor(out var door, out var problem))
            return problem;
        if (await door.CouponsOfAsync(userId) is not { } coupons)
            return new Problem(503, "state-unavailable", "What users hold cannot be told just now.", RetryAfter: TimeSpan.FromSeconds(1));
        return Results.Json(new UserCouponsResponse(userId, [.. coupons.Select(c => new UserCouponResponse(
            c.Code, c.CampaignId, c.State == CouponState.Issued ? "issued" : "unknown", DateTimeOffset.FromUnixTimeMilliseconds(c.InstantMs)))]),
            ServerJson.Default.UserCouponsResponse);
    }
}
