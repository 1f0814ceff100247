using FlashSale.Measure.Running;

namespace FlashSale.Measure.Rows;

/// <summary>What a claim costs with two server processes and with one, at the same load: half of what one sustains, two thirds, and five sixths.</summary>
internal sealed class TwoProcessesRow : IRow
{
    /// <summary>Of the claims, at most: more, and the load is not the same any more.</summary>
    private const double MissingMax = 0.02;

    private static readonly double[] Shares = [1 / 2.0, 2 / 3.0, 5 / 6.0];

    public string Name => "two-processes";

    public string Title => "CPU time per claim with two server processes and with one";

    public int Seconds(Plan plan) => 12 + 2 * plan.ProcessRounds * (Shares.Length * (plan.ProcessSeconds + 3) + 3 * plan.WarmUpSeconds / 2 + 5);

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        var campaigns = Installation.CampaignsOnPartitions(Installation.Partitions);
        double[] rates = [.. Shares.Select(lab.RateOf)];
        await using var installation = await Installation.CreateAsync(lab, cancel);
        await installation.OpenAsync(campaigns, RowExtensions.NeverSoldOut, cancel);
        var (one, two) = (new List<LoadWindow[]>(), new List<LoadWindow[]>());
        for (var round = 1; round <= lab.Plan.ProcessRounds; round++)
        {
            one.Add(await MeasureAsync(lab, installation, campaigns, rates, 1, cancel));
            two.Add(await MeasureAsync(lab, installation, campaigns, rates, 2, cancel));
            for (var r = 0; r < rates.Length; r++)
                lab.Say($"  round {round}: one process {one[^1][r].CpuPerClaim:F0} µs, two {two[^1][r].CpuPerClaim:F0} µs per claim at {rates[r]:N0}/s");
        }

        return this.Result([.. rates.Select((rate, r) => new Figure(
            $"CPU time per claim of two processes, {rate:N0}/s", "µs", Costs(two, r), Costs(one, r), Goal.RatioAtMost, 1.1, "the twin is one process; eight campaigns on eight partitions"))]) with
        {
            Profile = Mean(two, 0),
            TwinProfile = Mean(one, 0),
        };
    }

    private static List<double> Costs(List<LoadWindow[]> rounds, int rate) => [.. rounds.Select(windows => windows[rate].CpuPerClaim)];

    private static IReadOnlyList<CpuShare> Mean(List<LoadWindow[]> rounds, int rate) =>
    [
        .. rounds.SelectMany(windows => windows[rate].Profile).GroupBy(s => s.Process)
            .Select(g => new CpuShare(g.Key, g.Sum(s => s.User) / rounds.Count, g.Sum(s => s.System) / rounds.Count)),
    ];

    private static async Task<LoadWindow[]> MeasureAsync(Lab lab, Installation installation, IReadOnlyList<string> campaigns, double[] rates, int processes, CancellationToken cancel)
    {
        var servers = new List<Chaos.Servers.ServerNode>();
        while (servers.Count < processes)
            servers.Add(await installation.StartAsync($"{processes}-{servers.Count + 1}", "api,machines,ledger", cancel));
        // At full load, one process after the other: two that share this row's load compile twice as much, and for twice as long.
        foreach (var server in servers)
            await lab.FullLoadAsync(server.Url, campaigns, lab.Plan.WarmUpSeconds, lab.Processes(server), cancel);
        foreach (var server in servers)
            await CatchUp.DecidedAsync(server.Url, cancel);
        var windows = new List<LoadWindow>();
        foreach (var rate in rates)
        {
            var load = new StormPlan
            {
                Urls = [.. servers.Select(s => s.Url)],
                Campaigns = campaigns,
                Rate = rate,
                Claims = (int)(rate * lab.Plan.ProcessSeconds),
                Connections = StormPlan.ManyConnections,
            };
            var (report, window) = await lab.StormAsync(load, lab.Processes([.. servers]), cancel);
            if (report.RateAchieved < rate * (1 - MissingMax) || report.RefusedAtDoor + report.Unknown > load.Claims * MissingMax)
                throw new MeasureException($"{processes} process(es) at {rate:N0}/s: {report.RateAchieved:N0}/s were sent, {report.RefusedAtDoor:N0} claims refused, {report.Unknown:N0} without an answer");
            windows.Add(window);
        }

        foreach (var server in servers)
            await installation.StopAsync(server);
        return [.. windows];
    }
}
