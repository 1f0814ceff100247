using FlashSale.Server.Hosting;
using FlashSale.Server.Http;

namespace FlashSale.Server.Operations;

/// <summary>Whether the process lives, and whether it can do its work.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this WebApplication app)
    {
        app.MapGet("/health/live", () => Results.Json(new HealthResponse("live", []), ServerJson.Default.HealthResponse))
            .WithTags("Operations").Produces<HealthResponse>();
        app.MapGet("/health/ready", Ready).WithTags("Operations").Produces<HealthResponse>().Produces<HealthResponse>(503);
    }

    private static IResult Ready(Node node)
    {
        var reasons = node.NotReady();
        return Results.Json(new HealthResponse(reasons.Count == 0 ? "ready" : "not-ready", reasons), ServerJson.Default.HealthResponse,
            statusCode: reasons.Count == 0 ? 200 : 503);
    }
}
