using System.Text.Json;

namespace FlashSale.Server.Tests.Live;

[Collection(OpenServerTests.Name)]
public sealed class LiveEndpointTests(OpenServer shared)
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(10);

    private readonly RunningServer _server = shared.Server;

    [Theory]
    [InlineData("/api/live")]
    [InlineData("/api/live?topics=")]
    [InlineData("/api/live?topics=order:1")]
    [InlineData("/api/live?topics=campaign:a%20b")]
    public async Task Live_WrongTopics_NamesThem(string path) => (await _server.GetAsync(path)).IsInvalid("topics");

    [Fact]
    public async Task Live_Campaign_IsSentAsItIsAndThenAsItChanges()
    {
        var id = await _server.OpenAsync(2);
        using var stream = await StreamAsync($"campaign:{id}");
        var first = await NextAsync(stream, "campaign");
        Assert.Equal((id, 0, "open"), (Text(first, "campaignId"), Number(first, "issued"), Text(first, "state")));
        Assert.Equal(JsonValueKind.Null, first.GetProperty("opensAt").ValueKind);

        await _server.DecideAsync(id, "a");
        await _server.DecideAsync(id, "b");
        await UntilAsync(stream, c => Number(c, "issued") == 2 && Text(c, "state") == "sold-out");
    }

    [Fact]
    public async Task Live_Claims_AreSentToTheirUser()
    {
        var user = $"u-{Guid.NewGuid():N}";
        using var stream = await StreamAsync($"user:{user}");
        var id = await _server.OpenAsync(2);
        var won = await _server.DecideAsync(id, user);
        var claim = await NextAsync(stream, "claim");
        Assert.Equal(("issued", id, user, won["couponCode"]), (Text(claim, "state"), Text(claim, "campaignId"), Text(claim, "userId"), Text(claim, "couponCode")));
        Assert.Equal(won.Json.GetProperty("decidedAt").GetDateTimeOffset(), claim.GetProperty("decidedAt").GetDateTimeOffset());

        await _server.DecideAsync(id, user);
        var refused = await NextAsync(stream, "claim");
        Assert.Equal(("refused", "already-claimed"), (Text(refused, "state"), Text(refused, "reason")));
        Assert.False(refused.TryGetProperty("couponCode", out _));
    }

    [Fact]
    public async Task Live_AllCampaigns_IncludesThoseOpenedLater()
    {
        var before = await _server.OpenAsync(1);
        using var stream = await StreamAsync("campaigns");
        await UntilAsync(stream, c => Text(c, "campaignId") == before);
        var after = await _server.OpenAsync(1);
        await UntilAsync(stream, c => Text(c, "campaignId") == after);
    }

    [Fact]
    public async Task Live_WindowOpens_IsSentWithoutAnEvent()
    {
        var id = $"c-{Guid.NewGuid():N}";
        await _server.PutCampaignAsync(id, $$"""{"name":"x","quantity":1,"opensAt":"{{TimeProvider.System.GetUtcNow().AddSeconds(2):O}}"}""");
        using var stream = await StreamAsync($"campaign:{id}");
        Assert.Equal("scheduled", Text(await NextAsync(stream, "campaign"), "state"));
        await UntilAsync(stream, c => Text(c, "state") == "open");
    }

    [Fact]
    public async Task Live_ManyChanges_AreCoalesced()
    {
        var id = await _server.OpenAsync(200);
        using var stream = await StreamAsync($"campaign:{id}");
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => _server.DecideAsync(id, $"u{i}")));
        var events = 1;
        while (Number(await NextAsync(stream, "campaign"), "issued") < 200)
            events++;
        Assert.InRange(events, 1, 100);
    }

    [Fact]
    public async Task Live_HostStops_EndsTheStream()
    {
        await using var server = await RunningServer.StartAsync();
        await server.PutCampaignAsync("c1", """{"name":"x","quantity":1}""");
        using var response = await server.Client.GetAsync("/api/live?topics=campaigns", HttpCompletionOption.ResponseHeadersRead);
        using var stream = new StreamReader(await response.Content.ReadAsStreamAsync());
        await NextAsync(stream, "campaign");
        var stopping = server.StopAsync();
        EventText? last;
        do
            last = await EventText.ReadAsync(stream, Long);
        while (last is not null);
        await stopping.WaitAsync(Long);
    }

    private async Task<StreamReader> StreamAsync(string topics)
    {
        var response = await _server.Client.GetAsync($"/api/live?topics={topics}", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new StreamReader(await response.Content.ReadAsStreamAsync());
    }

    private static async Task<JsonElement> NextAsync(StreamReader stream, string name)
    {
        var next = await EventText.ReadAsync(stream, Long);
        Assert.Equal(name, next?.Name);
        return next!.Data;
    }

    private static async Task UntilAsync(StreamReader stream, Func<JsonElement, bool> wanted)
    {
        while (!wanted(await NextAsync(stream, "campaign")))
        {
        }
    }

    private static string? Text(JsonElement data, string name) => data.GetProperty(name).GetString();

    private static int Number(JsonElement data, string name) => data.GetProperty(name).GetInt32();
}
