using FlashSale.Core.Door;
using FlashSale.Server.Http;

namespace FlashSale.Server.Tests.Http;

[Collection(OpenServerTests.Name)]
public sealed class ProblemTests(OpenServer shared)
{
    [Theory]
    [InlineData("GET", "/nowhere", 404, "not-found")]
    [InlineData("GET", "/api", 404, "not-found")]
    [InlineData("GET", "/api/campaigns/c1/claims/x/y", 404, "not-found")]
    [InlineData("POST", "/api/campaigns//claims", 404, "not-found")]
    [InlineData("DELETE", "/api/campaigns/c1", 405, "method-not-allowed")]
    [InlineData("PUT", "/api/campaigns/c1/claims", 405, "method-not-allowed")]
    public async Task Request_NoSuchRoute_IsAProblem(string method, string path, int status, string code) =>
        (await shared.Server.SendAsync(new HttpMethod(method), path)).IsProblem(status, code);

    [Fact]
    public void Of_EveryRefusal_HasTheCodeOfTheMetrics()
    {
        foreach (var refusal in Enum.GetValues<DoorRefusal>().Where(r => r != DoorRefusal.None))
        {
            var problem = Problem.Of(refusal, TimeSpan.FromSeconds(2));
            Assert.Equal(refusal.Code(), problem.Code);
            Assert.Equal(problem.Status is 429 or 503, problem.RetryAfter is not null);
        }
    }

    [Fact]
    public async Task OpenApi_IsServed()
    {
        var answer = await shared.Server.GetAsync("/openapi/v1.json");
        Assert.Equal((200, "application/json"), (answer.Status, answer.MediaType));
        var paths = answer.Json.GetProperty("paths").EnumerateObject().Select(p => p.Name).ToList();
        Assert.Superset(
            new HashSet<string>
            {
                "/api/campaigns", "/api/campaigns/{campaignId}", "/api/campaigns/{campaignId}/close", "/api/campaigns/{campaignId}/claims",
                "/api/claims/{ticket}", "/api/claims/{ticket}/events", "/api/users/{userId}/coupons", "/api/live",
                "/api/admin/partitions", "/api/admin/dead-letters", "/health/live", "/health/ready", "/metrics",
            },
            paths.ToHashSet());
    }
}
