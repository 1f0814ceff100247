using System.Diagnostics;
using System.Text.Json;
using FlashSale.Measure.Running;
using FlashSale.Measure.Twins;
using FlashSale.Server.Coupons;

namespace FlashSale.Measure.Rows;

/// <summary>One claim at a time on an idle machine, from the request until its caller knows the decision.</summary>
internal sealed class IdleRow : IRow
{
    private const int PauseMsMin = 15;
    private const int PauseMsMax = 35;
    private const string StatusUrl = "\"statusUrl\":\"";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public string Name => "idle";

    public string Title => "one claim without load until its caller knows the decision";

    public int Seconds(Plan plan) => 5 + (plan.Rounds + 1) * plan.IdleClaims / 18;

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        var campaigns = Installation.CampaignsOnPartitions(1);
        await using var installation = await Installation.CreateAsync(lab, cancel);
        var server = await installation.StartAsync("server", "api,machines,ledger", cancel);
        await Installation.OpenAsync(server, campaigns[0], RowExtensions.NeverSoldOut, cancel);
        await using var twin = await RoundTripTwin.ConnectAsync(lab, installation.Kafka, cancel);
        using var http = new BareHttp(server.Url);
        var user = 0;
        Task<double> Ours() => Task.FromResult(Claim(http, campaigns[0], ++user));
        Task<double> Twin() => twin.RunAsync(++user);

        await RepeatAsync(Ours, lab.Plan.IdleClaims, cancel);
        await RepeatAsync(Twin, lab.Plan.IdleClaims, cancel);
        var (ours, twins, late) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 1; round <= lab.Plan.Rounds; round++)
        {
            twins.Add(Figure.Median(await RepeatAsync(Twin, lab.Plan.IdleClaims, cancel)));
            var times = await RepeatAsync(Ours, lab.Plan.IdleClaims, cancel);
            ours.Add(Figure.Median(times));
            late.Add(times.Order().ElementAt((int)Math.Ceiling(times.Count * 0.99) - 1));
            lab.Say($"  round {round} of {lab.Plan.Rounds}: twin {twins[^1]:F2} ms, ours {ours[^1]:F2} ms, p99 {late[^1]:F1} ms");
        }

        return this.Result(
            new Figure("one claim without load until decided, median", "ms", ours, twins, Goal.RatioAtMost, 2, "ours: two HTTP requests, two appends, two reads, one script; the twin: one append, one script, one read"),
            new Figure("the same, p99", "ms", late, [], Goal.AtMost, 15));
    }

    private static async Task<List<double>> RepeatAsync(Func<Task<double>> once, int times, CancellationToken cancel)
    {
        var found = new List<double>(times);
        while (found.Count < times)
        {
            await Task.Delay(Random.Shared.Next(PauseMsMin, PauseMsMax), cancel);
            found.Add(await once());
        }

        return found;
    }

    // Nothing of an answer is looked at but what the next request needs, until the clock has been read.
    private static double Claim(BareHttp http, string campaign, int user)
    {
        var started = Stopwatch.GetTimestamp();
        var accepted = http.Post($"/api/campaigns/{campaign}/claims", $$"""{"userId":"idle-{{user}}"}""");
        var from = accepted.IndexOf(StatusUrl, StringComparison.Ordinal) + StatusUrl.Length;
        var decided = http.Get($"{accepted[from..accepted.IndexOf('"', from)]}?wait=10");
        var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        var claim = JsonSerializer.Deserialize<ClaimResponse>(decided, Json)!;
        return claim.State == "issued" ? took : throw new MeasureException($"an idle claim is {claim.State} {claim.Reason}");
    }
}
