using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace FlashSale.Server.Tests.Coupons;

[Collection(OpenServerTests.Name)]
public sealed class ClaimEndpointTests(OpenServer shared)
{
    private readonly RunningServer _server = shared.Server;

    [Fact]
    public async Task Claim_Open_Is202WithLocation()
    {
        var id = await _server.OpenAsync(1);
        var answer = await _server.ClaimAsync(id, "a");
        Assert.Equal(202, answer.Status);
        Assert.Equal("waiting", answer["state"]);
        Assert.True(answer.Json.GetProperty("position").GetInt64() >= 1);
        Assert.Equal($"/api/claims/{answer["ticket"]}", answer["statusUrl"]);
        Assert.Equal(answer["statusUrl"], answer.Location);
    }

    [Fact]
    public async Task Get_Issued_HasTheCode()
    {
        var id = await _server.OpenAsync(1);
        var answer = await _server.DecideAsync(id, "a");
        Assert.Equal((200, "issued", id, "a"), (answer.Status, answer["state"], answer["campaignId"], answer["userId"]));
        Assert.Matches("^[A-Z0-9-]{8,16}$", answer["couponCode"]);
        Assert.Null(answer["reason"]);
        Assert.Null(answer["position"]);
        Assert.Equal(TimeSpan.Zero, answer.Json.GetProperty("decidedAt").GetDateTimeOffset().Offset);
    }

    [Fact]
    public async Task Get_WithWait_EndsWithTheDecision()
    {
        var id = await _server.OpenAsync(1);
        var claim = await _server.ClaimAsync(id, "a");
        var started = Stopwatch.GetTimestamp();
        Assert.Equal("issued", (await _server.GetAsync($"{claim.Location}?wait=30"))["state"]);
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData("31")]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("1e1")]
    public async Task Get_WrongWait_Is400(string wait)
    {
        var claim = await _server.ClaimAsync(await _server.OpenAsync(1), "a");
        (await _server.GetAsync($"{claim.Location}?wait={wait}")).IsInvalid("wait");
    }

    [Fact]
    public async Task Claims_MoreThanCoupons_AreRefusedAsSoldOut()
    {
        var id = await _server.OpenAsync(10);
        var claims = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => _server.ClaimAsync(id, $"u{i}")));
        var decided = await Task.WhenAll(claims.Where(c => c.Status == 202).Select(c => _server.GetAsync($"{c.Location}?wait=10")));
        Assert.Equal(10, decided.Count(d => d["state"] == "issued"));
        Assert.Equal(10, decided.Select(d => d["couponCode"]).OfType<string>().Distinct().Count());
        Assert.All(decided.Where(d => d["state"] != "issued"), d => Assert.Equal(("refused", "sold-out"), (d["state"], d["reason"])));
        Assert.All(claims.Where(c => c.Status != 202), c => c.IsProblem(409, "sold-out"));
        (await _server.ClaimAsync(id, "late")).IsProblem(409, "sold-out");
    }

    [Fact]
    public async Task Claim_SecondOfAUser_IsAlreadyClaimedWithTheCodes()
    {
        var id = await _server.OpenAsync(5);
        var first = await _server.DecideAsync(id, "a");
        var second = await _server.DecideAsync(id, "a");
        Assert.Equal(("refused", "already-claimed"), (second["state"], second["reason"]));
        Assert.Equal([first["couponCode"]], second.Json.GetProperty("couponCodes").EnumerateArray().Select(c => c.GetString()));
        Assert.Null(second["couponCode"]);
    }

    [Fact]
    public async Task Claim_UpToPerUser_IsIssued()
    {
        var id = await _server.OpenAsync(5, perUser: 2);
        Assert.Equal("issued", (await _server.DecideAsync(id, "a"))["state"]);
        Assert.Equal("issued", (await _server.DecideAsync(id, "a"))["state"]);
        var third = await _server.DecideAsync(id, "a");
        Assert.Equal("already-claimed", third["reason"]);
        Assert.Equal(2, third.Json.GetProperty("couponCodes").GetArrayLength());
    }

    [Fact]
    public async Task Claim_SameIdempotencyKey_IsTheSameWin()
    {
        var id = await _server.OpenAsync(2, perUser: 2);
        var first = await _server.DecideAsync(id, "a", "key-1");
        var second = await _server.DecideAsync(id, "a", "key-1");
        Assert.Equal("issued", second["state"]);
        Assert.Equal(first["couponCode"], second["couponCode"]);
        Assert.Equal("1", (await _server.GetAsync($"/api/campaigns/{id}"))["issued"]);
        Assert.NotEqual(first["couponCode"], (await _server.DecideAsync(id, "a", "key-2"))["couponCode"]);
    }

    [Fact]
    public async Task Claim_SameIdempotencyKeyAfterSoldOutAndClosed_IsStillTheWin()
    {
        var id = await _server.OpenAsync(1);
        var first = await _server.DecideAsync(id, "a", "key-1");
        Assert.Equal(first["couponCode"], (await _server.DecideAsync(id, "a", "key-1"))["couponCode"]);
        (await _server.ClaimAsync(id, "a", "key-2")).IsProblem(409, "sold-out");
        // A key belongs to its user.
        (await _server.ClaimAsync(id, "b", "key-1")).IsProblem(409, "sold-out");

        await _server.SendAsync(HttpMethod.Post, $"/api/campaigns/{id}/close");
        Assert.Equal(first["couponCode"], (await _server.DecideAsync(id, "a", "key-1"))["couponCode"]);
        (await _server.ClaimAsync(id, "a", "key-2")).IsProblem(409, "closed");
    }

    [Fact]
    public async Task Claim_UnknownCampaign_Is404() => (await _server.ClaimAsync("nowhere", "a")).IsProblem(404, "campaign-unknown");

    [Theory]
    [InlineData("""{"userId":""}""")]
    [InlineData("""{"userId":null}""")]
    [InlineData("""{}""")]
    [InlineData("""{"userId":"a b"}""")]
    [InlineData("""{"userId":"ü"}""")]
    [InlineData("""{"userId":"01234567890123456789012345678901234567890123456789012345678901234"}""")]
    [InlineData("""{"userId":5}""")]
    [InlineData("""{"userId":["a"]}""")]
    public async Task Claim_InvalidUser_NamesIt(string body) =>
        (await _server.SendAsync(HttpMethod.Post, "/api/campaigns/c1/claims", body)).IsInvalid("userId");

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("userId=a")]
    [InlineData("null")]
    [InlineData("\"a\"")]
    public async Task Claim_NoJsonObject_NamesTheBody(string body) =>
        (await _server.SendAsync(HttpMethod.Post, "/api/campaigns/c1/claims", body)).IsInvalid("body");

    [Fact]
    public async Task Claim_EverythingWrong_NamesEachField()
    {
        (await _server.ClaimAsync(new string('a', 65), "a b", new string('k', 256))).IsInvalid("campaignId", "userId", "Idempotency-Key");
        (await _server.ClaimAsync("a%2Fb", "a")).IsInvalid("campaignId");
    }

    [Fact]
    public async Task Claim_NoContentType_Is415() =>
        (await _server.SendAsync(HttpMethod.Post, "/api/campaigns/c1/claims", """{"userId":"a"}""", contentType: "")).IsProblem(415, "unsupported-media-type");

    [Fact]
    public async Task Claim_OtherContentType_Is415() =>
        (await _server.SendAsync(HttpMethod.Post, "/api/campaigns/c1/claims", """{"userId":"a"}""", contentType: "text/plain")).IsProblem(415, "unsupported-media-type");

    [Fact]
    public async Task Claim_TooLarge_Is413() =>
        (await _server.SendAsync(HttpMethod.Post, "/api/campaigns/c1/claims", $$"""{"userId":"{{new string('a', 17 * 1024)}}"}""")).IsProblem(413, "too-large");

    [Fact]
    public async Task Claim_LongestIds_AreTaken()
    {
        var user = "U_.:-9" + new string('z', 58);
        var answer = await _server.DecideAsync(await _server.OpenAsync(1), user, new string('k', 255));
        Assert.Equal(("issued", user), (answer["state"], answer["userId"]));
    }

    [Fact]
    public async Task Get_ChangedTicket_Is404()
    {
        var ticket = (await _server.ClaimAsync(await _server.OpenAsync(1), "a"))["ticket"]!;
        for (var at = 0; at < ticket.Length; at += 7)
        {
            var changed = ticket[..at] + (ticket[at] == 'A' ? 'B' : 'A') + ticket[(at + 1)..];
            (await _server.GetAsync($"/api/claims/{changed}")).IsProblem(404, "ticket-unknown");
        }

        (await _server.GetAsync($"/api/claims/{ticket}A")).IsProblem(404, "ticket-unknown");
        (await _server.GetAsync("/api/claims/x")).IsProblem(404, "ticket-unknown");
        (await _server.GetAsync($"/api/claims/{new string('A', 2_000)}")).IsProblem(404, "ticket-unknown");
        (await _server.GetAsync("/api/claims/x/events")).IsProblem(404, "ticket-unknown");
    }

    [Fact]
    public async Task Get_TicketOfAnotherLog_Is404()
    {
        var mine = _server.Services.GetRequiredService<Core.Coupons.TicketSigner>();
        var claim = new Core.Coupons.ClaimQuestion(new Core.Log.LogId(Guid.NewGuid()), 0, 1, 0, "c1", "a", 1, 1);
        var ticket = mine.Sign(new Core.Coupons.Ticket(claim, 1));
        (await _server.GetAsync($"/api/claims/{ticket}")).IsProblem(404, "ticket-unknown");
        (await _server.GetAsync($"/api/claims/{ticket}/events")).IsProblem(404, "ticket-unknown");
    }

    [Fact]
    public async Task Events_UntilDecided_EndWithOneDecided()
    {
        var id = await _server.OpenAsync(1);
        var claim = await _server.ClaimAsync(id, "a");
        using var response = await _server.Client.GetAsync($"{claim.Location}/events");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var events = EventText.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal("decided", events[^1].Name);
        Assert.Equal("issued", events[^1].Data.GetProperty("state").GetString());
        Assert.NotNull(events[^1].Data.GetProperty("couponCode").GetString());
        var positions = events[..^1];
        Assert.All(positions, e => Assert.Equal("position", e.Name));
        Assert.Equal(positions.Select(e => e.Data.GetProperty("position").GetInt64()).OrderDescending(), positions.Select(e => e.Data.GetProperty("position").GetInt64()));
    }

    [Fact]
    public async Task Coupons_OfAUser_AreNewestFirst()
    {
        var user = $"u-{Guid.NewGuid():N}";
        var first = await _server.DecideAsync(await _server.OpenAsync(5), user);
        await Task.Delay(5);
        var second = await _server.DecideAsync(await _server.OpenAsync(5), user);
        var answer = await _server.GetAsync($"/api/users/{user}/coupons");
        Assert.Equal((200, user), (answer.Status, answer["userId"]));
        var coupons = answer.Json.GetProperty("coupons").EnumerateArray().ToList();
        Assert.Equal([second["couponCode"], first["couponCode"]], coupons.Select(c => c.GetProperty("couponCode").GetString()));
        Assert.Equal(second["campaignId"], coupons[0].GetProperty("campaignId").GetString());
        Assert.All(coupons, c => Assert.Equal("issued", c.GetProperty("state").GetString()));
    }

    [Fact]
    public async Task Coupons_OfNobody_AreNone() =>
        Assert.Equal(0, (await _server.GetAsync("/api/users/nobody/coupons")).Json.GetProperty("coupons").GetArrayLength());

    [Fact]
    public async Task Coupons_InvalidUser_Is400() => (await _server.GetAsync("/api/users/a%20b/coupons")).IsInvalid("userId");
}
