using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using FlashSale.Chaos.Servers;
using FlashSale.Measure.Running;

namespace FlashSale.Measure.Rows;

/// <summary>From the start of a process until it is ready; and, as millions of claims are decided for it, what Redis keeps for each coupon.</summary>
internal sealed class StartRow : IRow
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    public string Name => "start";

    public string Title => "from the start of a process until it is ready; memory of Redis with millions of coupons";

    public int Seconds(Plan plan) => plan.LongRounds * 9 + 10 + plan.StartClaims / 100_000;

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        var (first, again) = (new List<double>(), new List<double>());
        for (var round = 1; round <= lab.Plan.LongRounds; round++)
        {
            await using var installation = await Installation.CreateAsync(lab, cancel);
            first.Add(await StartAsync(installation, "api,machines,ledger", cancel));
            again.Add(await StartAsync(installation, "api,machines,ledger", cancel));
            lab.Say($"  round {round} of {lab.Plan.LongRounds}: {first[^1]:F2} s with topics and tables to create, {again[^1]:F2} s without");
        }

        var claims = lab.Plan.StartClaims;
        await using var full = await Installation.CreateAsync(lab, cancel);
        var redisBytes = await DecideAsync(lab, full, claims, cancel);
        var withLog = new List<double>();
        while (withLog.Count < lab.Plan.LongRounds)
            withLog.Add(await StartAsync(full, "api,machines", cancel));
        var redisPerCoupon = redisBytes / (double)claims;
        lab.Say($"  with {claims:N0} decided claims: {Figure.Median(withLog):F2} s; {redisPerCoupon:F1} bytes of Redis for each");
        return this.Result(
            new Figure("start to ready, eight empty partitions", "s", again, [], Goal.AtMost, 2, "all roles; topics and tables are there"),
            new Figure("the same, topics and tables to be created", "s", first, [], Goal.None, 0),
            new Figure($"start to ready, {claims:N0} decided claims in the log, Redis kept", "s", withLog, [], Goal.AtMost, 5, "roles api and machines"),
            new Figure("Redis per issued coupon", "bytes", [redisPerCoupon], [], Goal.AtMost, 90, $"{claims:N0} coupons in eight campaigns, user ids of 12 characters"));
    }

    /// <summary>By how many bytes Redis has grown with so many issued coupons.</summary>
    private static async Task<long> DecideAsync(Lab lab, Installation installation, int claims, CancellationToken cancel)
    {
        var campaigns = Installation.CampaignsOnPartitions(Installation.Partitions);
        await installation.OpenAsync(campaigns, RowExtensions.NeverSoldOut, cancel);
        var empty = await lab.Stack.RedisBytesAsync();
        await Backlog.AppendAsync(installation, campaigns, claims, cancel);
        lab.Say($"  {claims:N0} claims appended; now they are decided");
        var ends = await installation.CommandEndsAsync(cancel);
        var machines = installation.Prepare("machines", "machines");
        machines.Start();
        await CatchUp.SecondsAsync(machines, ends, p => p.Told, cancel);
        await installation.StopAsync(machines);
        return await lab.Stack.RedisBytesAsync() - empty;
    }

    private static async Task<double> StartAsync(Installation installation, string roles, CancellationToken cancel)
    {
        var server = installation.Prepare("server", roles);
        var clock = Stopwatch.StartNew();
        server.Start();
        while (!await IsReadyAsync(server, cancel))
        {
            if (server.Process.HasExited || clock.Elapsed > Within)
                throw new MeasureException($"the server is not ready after {clock.Elapsed.TotalSeconds:F0} s: {server.Process.Log}");
            await Task.Delay(Interval, cancel);
        }

        var seconds = clock.Elapsed.TotalSeconds;
        await installation.StopAsync(server);
        return seconds;
    }

    private static async Task<bool> IsReadyAsync(ServerNode server, CancellationToken cancel)
    {
        try
        {
            using var answer = await Http.GetAsync($"{server.Url}/health/ready", cancel);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException or SocketException)
        {
            return false;
        }
    }
}
