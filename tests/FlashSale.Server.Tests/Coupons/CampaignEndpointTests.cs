using System.Globalization;

namespace FlashSale.Server.Tests.Coupons;

[Collection(OpenServerTests.Name)]
public sealed class CampaignEndpointTests(OpenServer shared)
{
    private readonly RunningServer _server = shared.Server;
    private readonly string _id = $"c-{Guid.NewGuid():N}";

    [Fact]
    public async Task Put_New_AnswersTheCampaign()
    {
        var answer = await _server.PutCampaignAsync(_id,
            """{"name":"Spring","quantity":1000,"perUser":2,"opensAt":"2026-01-02T03:04:05Z","closesAt":"2099-01-02T05:04:05+02:00","discount":{"kind":"percent","value":12.5}}""");
        Assert.Equal(200, answer.Status);
        Assert.Equal(_id, answer["campaignId"]);
        Assert.Equal("Spring", answer["name"]);
        Assert.Equal("open", answer["state"]);
        Assert.Equal("1000", answer["quantity"]);
        Assert.Equal("2", answer["perUser"]);
        Assert.Equal("0", answer["issued"]);
        Assert.Equal("1000", answer["remaining"]);
        Assert.Equal(DateTimeOffset.Parse("2026-01-02T03:04:05Z", CultureInfo.InvariantCulture), answer.Json.GetProperty("opensAt").GetDateTimeOffset());
        Assert.Equal(TimeSpan.Zero, answer.Json.GetProperty("closesAt").GetDateTimeOffset().Offset);
        Assert.Equal("percent", answer.Json.GetProperty("discount").GetProperty("kind").GetString());
        Assert.True(answer.Json.GetProperty("lag").GetProperty("commands").GetInt64() >= 0);
        Assert.True(answer.Json.GetProperty("lag").GetProperty("seconds").GetDouble() >= 0);
        Assert.Equal(answer["name"], (await _server.GetAsync($"/api/campaigns/{_id}"))["name"]);
    }

    [Fact]
    public async Task Put_SameBodyAgain_ChangesNothing()
    {
        const string body = """{"name":"Spring","quantity":10}""";
        var first = await _server.PutCampaignAsync(_id, body);
        var second = await _server.PutCampaignAsync(_id, body);
        Assert.Equal(200, second.Status);
        Assert.Equal(first["quantity"], second["quantity"]);
        Assert.Equal(first["name"], second["name"]);
    }

    [Fact]
    public async Task Put_OtherBody_ChangesTheCampaign()
    {
        await _server.PutCampaignAsync(_id, """{"name":"Spring","quantity":10}""");
        var answer = await _server.PutCampaignAsync(_id, """{"name":"Summer","quantity":20,"perUser":3}""");
        Assert.Equal(("Summer", "20", "3"), (answer["name"], answer["quantity"], answer["perUser"]));
    }

    [Fact]
    public async Task Put_QuantityBelowIssued_Is409()
    {
        var id = await _server.OpenAsync(3);
        await _server.DecideAsync(id, "a");
        await _server.DecideAsync(id, "b");
        (await _server.PutCampaignAsync(id, """{"name":"Spring","quantity":1}""")).IsProblem(409, "quantity-below-issued");
        Assert.Equal("3", (await _server.GetAsync($"/api/campaigns/{id}"))["quantity"]);
        Assert.Equal("sold-out", (await _server.PutCampaignAsync(id, """{"name":"Spring","quantity":2}"""))["state"]);
    }

    [Theory]
    [InlineData("""{"name":"x"}""", "quantity")]
    [InlineData("""{"quantity":1}""", "name")]
    [InlineData("""{"name":" ","quantity":0,"perUser":0}""", "name", "quantity", "perUser")]
    [InlineData("""{"name":"x","quantity":-1,"perUser":1001}""", "quantity", "perUser")]
    [InlineData("""{"name":"x","quantity":100000001}""", "quantity")]
    [InlineData("""{"name":"x","quantity":100000000000000000000000000}""", "quantity")]
    [InlineData("""{"name":"x","quantity":1.5}""", "quantity")]
    [InlineData("""{"name":"x","quantity":"many"}""", "quantity")]
    [InlineData("""{"name":["x"],"quantity":1}""", "name")]
    [InlineData("""{"name":"x","quantity":1,"opensAt":"2027-01-01T10:00:00Z","closesAt":"2027-01-01T10:00:00Z"}""", "closesAt")]
    [InlineData("""{"name":"x","quantity":1,"opensAt":"2027-01-01T10:00:00Z","closesAt":"2027-01-01T09:00:00Z"}""", "closesAt")]
    [InlineData("""{"name":"x","quantity":1,"opensAt":"tomorrow"}""", "opensAt")]
    [InlineData("""{"name":"x","quantity":1,"opensAt":"1969-01-01T00:00:00Z"}""", "opensAt")]
    [InlineData("""{"name":"x","quantity":1,"discount":{"kind":"gift","value":1}}""", "discount")]
    [InlineData("""{"name":"x","quantity":1,"discount":{"kind":"percent","value":101}}""", "discount")]
    [InlineData("""{"name":"x","quantity":1,"discount":{"kind":"amount","value":-1}}""", "discount")]
    [InlineData("not json", "body")]
    [InlineData("", "body")]
    [InlineData("null", "body")]
    [InlineData("[]", "body")]
    [InlineData("""{"name":"x","quantity":1""", "body")]
    public async Task Put_Invalid_NamesEachField(string body, params string[] fields) => (await _server.PutCampaignAsync(_id, body)).IsInvalid(fields);

    [Fact]
    public async Task Put_InvalidIdAndBody_NamesBoth() => (await _server.PutCampaignAsync("a%20b", """{"name":"x"}""")).IsInvalid("campaignId", "quantity");

    [Fact]
    public async Task Put_LongestNameAndId_IsTaken()
    {
        var id = _id + new string('x', 64 - _id.Length);
        var answer = await _server.PutCampaignAsync(id, $$"""{"name":"{{new string('é', 200)}}","quantity":100000000,"perUser":1000}""");
        Assert.Equal(200, answer.Status);
        Assert.Equal(new string('é', 200), answer["name"]);
        (await _server.PutCampaignAsync(id, $$"""{"name":"{{new string('x', 201)}}","quantity":1}""")).IsInvalid("name");
    }

    [Fact]
    public async Task Get_Unknown_Is404() => (await _server.GetAsync($"/api/campaigns/{_id}")).IsProblem(404, "campaign-unknown");

    [Fact]
    public async Task Get_InvalidId_Is400() => (await _server.GetAsync($"/api/campaigns/{new string('a', 65)}")).IsInvalid("campaignId");

    [Fact]
    public async Task State_FollowsTheWindowAndTheStock()
    {
        var opensAt = TimeProvider.System.GetUtcNow().AddSeconds(1.5);
        var closesAt = opensAt.AddSeconds(2);
        var put = await _server.PutCampaignAsync(_id, $$"""{"name":"x","quantity":1,"opensAt":"{{opensAt:O}}","closesAt":"{{closesAt:O}}"}""");
        Assert.Equal("scheduled", put["state"]);
        (await _server.ClaimAsync(_id, "a")).IsProblem(409, "not-open");

        await _server.UntilAsync($"/api/campaigns/{_id}", a => a["state"] == "open");
        await _server.DecideAsync(_id, "a");
        Assert.Equal("sold-out", (await _server.GetAsync($"/api/campaigns/{_id}"))["state"]);
        (await _server.ClaimAsync(_id, "b")).IsProblem(409, "sold-out");

        await _server.UntilAsync($"/api/campaigns/{_id}", a => a["state"] == "closed");
        (await _server.ClaimAsync(_id, "b")).IsProblem(409, "closed");
    }

    [Fact]
    public async Task Close_Open_IsClosedAndStaysSo()
    {
        var id = await _server.OpenAsync(5);
        var closed = await _server.SendAsync(HttpMethod.Post, $"/api/campaigns/{id}/close");
        Assert.Equal((200, "closed"), (closed.Status, closed["state"]));
        (await _server.ClaimAsync(id, "a")).IsProblem(409, "closed");
        Assert.Equal(200, (await _server.SendAsync(HttpMethod.Post, $"/api/campaigns/{id}/close")).Status);
    }

    [Fact]
    public async Task Close_Unknown_Is404() => (await _server.SendAsync(HttpMethod.Post, $"/api/campaigns/{_id}/close")).IsProblem(404, "campaign-unknown");

    [Fact]
    public async Task Close_InvalidId_Is400() => (await _server.SendAsync(HttpMethod.Post, "/api/campaigns/a%20b/close")).IsInvalid("campaignId");

    [Fact]
    public async Task Put_MoreQuantityAfterSoldOut_OpensAgain()
    {
        var id = await _server.OpenAsync(1);
        await _server.DecideAsync(id, "a");
        (await _server.ClaimAsync(id, "b")).IsProblem(409, "sold-out");
        Assert.Equal("open", (await _server.PutCampaignAsync(id, """{"name":"Spring","quantity":2}"""))["state"]);
        Assert.Equal("issued", (await _server.DecideAsync(id, "b"))["state"]);
    }

    [Fact]
    public async Task List_ByPage_IsNewestFirst()
    {
        var first = await _server.OpenAsync(1);
        await Task.Delay(5);
        var second = await _server.OpenAsync(1);
        var page = await _server.GetAsync("/api/campaigns?pageSize=500");
        Assert.True(page.Status == 200, page.Text);
        var ids = page.Json.GetProperty("items").EnumerateArray().Select(c => c.GetProperty("campaignId").GetString()).ToList();
        Assert.True(ids.IndexOf(second) < ids.IndexOf(first));

        var one = await _server.GetAsync("/api/campaigns?pageSize=1");
        Assert.True(one.Status == 200, one.Text);
        Assert.Single(one.Json.GetProperty("items").EnumerateArray());
        Assert.True(one.Json.GetProperty("total").GetInt32() >= 2);
        Assert.Equal(200, (await _server.GetAsync(one["next"]!)).Status);
    }

    [Theory]
    [InlineData("page=0", "page")]
    [InlineData("page=-1", "page")]
    [InlineData("pageSize=501", "pageSize")]
    [InlineData("pageSize=x", "pageSize")]
    public async Task List_InvalidPage_Is400(string query, string field) => (await _server.GetAsync($"/api/campaigns?{query}")).IsInvalid(field);
}
