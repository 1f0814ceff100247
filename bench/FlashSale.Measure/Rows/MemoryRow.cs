using FlashSale.Measure.Running;

namespace FlashSale.Measure.Rows;

/// <summary>Memory of the server through a long storm, and whether Redis keeps anything of who is refused; what it keeps of a coupon, <see cref="StartRow"/> measures.</summary>
internal sealed class MemoryRow : IRow
{
    /// <summary>With a lower rate there are fewer claims: the whole run must stay within its time.</summary>
    private const int SecondsMax = 660;
    private const int SecondsMin = 20;

    /// <summary>The rate that the goals are stated for.</summary>
    private const int GoalRate = 30_000;

    /// <summary>For what comes before and after the storm.</summary>
    private const int SecondsAround = 60;
    private const int RepeatsMax = 100_000;
    private const double Megabyte = 1e6;

    private static readonly TimeSpan SampleInterval = TimeSpan.FromSeconds(1);

    public string Name => "memory";

    public string Title => "memory of the server and of Redis through a long storm";

    public int Seconds(Plan plan) => SecondsAround + plan.MemoryClaims / GoalRate;

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        var rate = lab.SustainedRate is { } sustained ? Math.Floor(sustained * 0.95) : lab.ModerateRate;
        var claims = (int)Math.Min(lab.Plan.MemoryClaims, rate * Math.Clamp(lab.SecondsLeft - SecondsAround, SecondsMin, SecondsMax));
        var campaigns = Installation.CampaignsOnPartitions(Installation.Partitions);
        await using var installation = await Installation.CreateAsync(lab, cancel);
        await installation.OpenAsync(campaigns, RowExtensions.NeverSoldOut, cancel);
        var server = await installation.StartAsync("server", "api,machines,ledger", cancel);
        var load = new StormPlan { Urls = [server.Url], Campaigns = campaigns, Rate = rate, Claims = claims, Connections = StormPlan.ManyConnections, UserPrefix = "memory" };

        lab.Say($"  {claims:N0} claims at {rate:N0}/s");
        Series resident, redis;
        double accepted, achieved;
        await using (var sampler = new Sampler(SampleInterval, async _ =>
            [ProcFs.ResidentBytes(server.Process.Id) / Megabyte, await lab.Stack.RedisBytesAsync() / Megabyte]))
        {
            var (report, _) = await lab.StormAsync(load, lab.Processes(server), cancel);
            (accepted, achieved) = (report.Accepted, report.RateAchieved);
            (resident, redis) = sampler.Lines("server", "Redis") is [var s, var r] ? (s, r) : throw new MeasureException("nothing was sampled");
        }

        // The first users again, twice: whom the cold door refused gets a coupon the first time, the second time nobody does.
        var again = load with { Claims = Math.Min(RepeatsMax, claims / 10) };
        var full = await ClaimAgainAsync();
        var refused = Math.Max(0, await ClaimAgainAsync() - full);
        lab.Say($"  server {resident.Values.Max():N0} MB at most; Redis {refused / (double)again.Claims:F2} bytes per refused claim");

        return this.Result(
            new Figure($"resident memory of the server, highest, {claims:N0} claims at {achieved:N0}/s", "MB", [resident.Values.Max()], [], Goal.AtMost, 400, "all roles in one process"),
            new Figure("the same, last quarter to second quarter", "ratio", [resident.MedianOf(0.75, 1) / resident.MedianOf(0.25, 0.5)], [], Goal.AtMost, 1.1, "flat"),
            new Figure("Redis per refused claim", "bytes", [refused / (double)again.Claims], [], Goal.AtMost, 0.5, FormattableString.Invariant($"{again.Claims:N0} users claim again; buffers come and go by some KB"))) with
        {
            Pictures =
            [
                new Picture("memory", $"{claims:N0} claims at {achieved:N0}/s, {accepted:N0} of them accepted",
                    [new Panel("resident memory of the server, MB", [resident]), new Panel("memory of Redis, MB", [redis])]),
            ],
        };

        async Task<long> ClaimAgainAsync()
        {
            await lab.StormAsync(again, lab.Processes(server), cancel);
            await CatchUp.DecidedAsync(server.Url, cancel);
            await Task.Delay(SampleInterval, cancel);
            return await lab.Stack.RedisBytesAsync();
        }
    }
}
