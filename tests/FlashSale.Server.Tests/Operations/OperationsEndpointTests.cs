using System.Text;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using FlashSale.Server.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlashSale.Server.Tests.Operations;

[Collection(OpenServerTests.Name)]
public sealed class OperationsEndpointTests(OpenServer shared)
{
    private readonly RunningServer _server = shared.Server;

    [Fact]
    public async Task Health_Running_IsLiveAndReady()
    {
        Assert.Equal("live", (await _server.GetAsync("/health/live"))["status"]);
        Assert.Equal("ready", (await _server.GetAsync("/health/ready"))["status"]);
    }

    [Fact]
    public async Task Metrics_AfterAClaim_CountIt()
    {
        await _server.DecideAsync(await _server.OpenAsync(1), "a");
        var answer = await _server.GetAsync("/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Response.Content.Headers.ContentType?.ToString());
        foreach (var name in new[]
        {
            "flashsale_door_accepted_total ", "flashsale_door_append_duration_seconds_bucket{le=\"0.025\"} ", "flashsale_events_outcomes_total{outcome=\"issued\"} ",
            "flashsale_engine_applied_total ", "flashsale_node_ready 1\n", "flashsale_live_watchers ", "flashsale_partition_state{partition=\"0\",state=\"running\"} 1\n",
            "flashsale_partition_state{partition=\"0\",state=\"refused\"} 0\n", "flashsale_partition_applied{partition=\"3\"} ", "flashsale_partition_told{partition=\"3\"} ",
            "flashsale_partition_lag{partition=\"1\"} ", "flashsale_partition_lag_age_seconds{partition=\"1\"} ", "flashsale_ledger_written{partition=\"0\"} ",
            "flashsale_door_appends_waiting{partition=\"0\"} 0\n", "flashsale_door_decisions_waiting{partition=\"0\"} ", "dotnet_gc_collections_total{",
        })
            Assert.Contains(name, answer.Text, StringComparison.Ordinal);
        Assert.All(answer.Text.TrimEnd('\n').Split('\n'), l => Assert.Matches("^(# (HELP|TYPE) [a-z0-9_]+ .+|[a-z0-9_]+({[^ ]+})? [^ ]+)$", l));
    }

    [Fact]
    public async Task Partitions_Running_TellWhereTheyStand()
    {
        var answer = await _server.GetAsync("/api/admin/partitions");
        var partitions = answer.Json.GetProperty("partitions").EnumerateArray().ToList();
        Assert.Equal(4, partitions.Count);
        Assert.NotNull(answer["logId"]);
        foreach (var partition in partitions)
        {
            Assert.Equal("coupon", partition.GetProperty("machine").GetString());
            Assert.Equal("running", partition.GetProperty("state").GetString());
            Assert.True(partition.GetProperty("applied").GetInt64() < partition.GetProperty("logEnd").GetInt64());
        }
    }

    [Fact]
    public async Task DeadLetters_UndecodableRecord_IsListedAndTheSaleGoesOn()
    {
        var id = await _server.OpenAsync(1);
        var settings = _server.Services.GetRequiredService<Settings>();
        var partition = MachineTopics.PartitionOf(id, settings.Kafka.Partitions);
        var garbage = Encoding.UTF8.GetBytes($"garbage {id}");
        long offset;
        using (var appender = new KafkaAppender(settings.Kafka, NullLogger<KafkaAppender>.Instance))
            offset = await appender.AppendAsync(MachineTopics.Coupon.Commands, partition, garbage);

        var answer = await _server.UntilAsync("/api/admin/dead-letters", a => a.Text.Contains(Convert.ToBase64String(garbage), StringComparison.Ordinal));
        var letter = answer.Json.GetProperty("deadLetters")[0];
        Assert.Equal("coupon-commands-dlq", letter.GetProperty("topic").GetString());
        Assert.Equal($"{partition}:{offset}:0", letter.GetProperty("address").GetString());
        Assert.Equal("undecodable", letter.GetProperty("reason").GetString());
        Assert.Equal(garbage.Length, letter.GetProperty("payloadBytes").GetInt32());
        Assert.Equal("issued", (await _server.DecideAsync(id, "a"))["state"]);
        Assert.Contains("flashsale_engine_dead_letters_total 1\n", (await _server.GetAsync("/metrics")).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=201", "limit")]
    [InlineData("limit=x", "limit")]
    [InlineData("before=x", "before")]
    [InlineData("before=9-1", "before")]
    [InlineData("before=0-1.0-2", "before")]
    public async Task DeadLetters_InvalidPage_Is400(string query, string field) => (await _server.GetAsync($"/api/admin/dead-letters?{query}")).IsInvalid(field);

    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/live.js", "text/javascript")]
    [InlineData("/live.css", "text/css")]
    [InlineData("/icon.svg", "image/svg+xml")]
    public async Task Page_IsServedWithAPolicy(string path, string type)
    {
        var answer = await _server.GetAsync(path);
        Assert.Equal((200, type), (answer.Status, answer.MediaType));
        Assert.Contains("default-src 'none'", string.Join(';', answer.Response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.DoesNotContain("://", answer.Text.Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }
}
