using FlashSale.Measure.Running;

namespace FlashSale.Measure.Rows;

/// <summary>What a claim costs with two server processes and with one, at the same load.</summary>
internal sealed class TwoProcessesRow : IRow
{
    public string Name => "two-processes";

    public string Title => "CPU time per claim with two server processes and with one";

    public int Seconds(Plan plan) => 12 + 2 * plan.ProcessRounds * (plan.ProcessSeconds + 3 * plan.WarmUpSeconds / 2 + 14);

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        var campaigns = Installation.CampaignsOnPartitions(Installation.Partitions);
        var rate = lab.ModerateRate;
        await using var installation = await Installation.CreateAsync(lab, cancel);
        await installation.OpenAsync(campaigns, RowExtensions.NeverSoldOut, cancel);
        var (one, two) = (new List<double>(), new List<double>());
        for (var round = 1; round <= lab.Plan.ProcessRounds; round++)
        {
            one.Add(await MeasureAsync(lab, installation, campaigns, rate, 1, cancel));
            two.Add(await MeasureAsync(lab, installation, campaigns, rate, 2, cancel));
            lab.Say($"  round {round}: one process {one[^1]:F0} µs, two {two[^1]:F0} µs per claim at {rate:N0}/s");
        }

        return this.Result(new Figure($"CPU time per claim of two processes, {rate:N0}/s", "µs", two, one, Goal.RatioAtMost, 1.1, "the twin is one process; eight campaigns on eight partitions"));
    }

    private static async Task<double> MeasureAsync(Lab lab, Installation installation, IReadOnlyList<string> campaigns, double rate, int processes, CancellationToken cancel)
    {
        var servers = new List<Chaos.Servers.ServerNode>();
        while (servers.Count < processes)
            servers.Add(await installation.StartAsync($"{processes}-{servers.Count + 1}", "api,machines,ledger", cancel));
        // At full load, one process after the other: two that share this row's load compile twice as much, and for twice as long.
        foreach (var server in servers)
            await lab.FullLoadAsync(server.Url, campaigns, lab.Plan.WarmUpSeconds, lab.Processes(server), cancel);
        foreach (var server in servers)
            await CatchUp.DecidedAsync(server.Url, cancel);
        var load = new StormPlan { Urls = [.. servers.Select(s => s.Url)], Campaigns = campaigns, Rate = rate, Claims = (int)(rate * lab.Plan.ProcessSeconds) };
        var (report, window) = await lab.StormAsync(load, lab.Processes([.. servers]), cancel);
        foreach (var server in servers)
            await installation.StopAsync(server);
        return report.RefusedAtDoor + report.Unknown == 0
            ? window.CpuPerClaim
            : throw new MeasureException($"{processes} process(es) at {rate:N0}/s: {report.RefusedAtDoor:N0} claims refused, {report.Unknown:N0} without an answer");
    }
}
