using FlashSale.Measure.Running;

namespace FlashSale.Measure.Rows;

/// <summary>The two engines side by side, in turns. Only where it is asked for by name, as a build may be without Streamiz.</summary>
internal sealed class EnginesRow : IRow
{
    /// <summary>A backlog of this part of that of <see cref="DecideRow"/>: each is decided by both, round by round.</summary>
    private const int BacklogPart = 4;
    private const double Megabyte = 1e6;

    private static readonly (string Key, string Value)[] Direct = [("Engine", "direct")];
    private static readonly (string Key, string Value)[] Streamiz = [("Engine", "streamiz")];

    public string Name => "engines";

    public string Title => "Streamiz (as ours) beside direct (as the twin)";

    public int Seconds(Plan plan) => (int)(2 * (20 + plan.BacklogClaims / BacklogPart * (1.0 / 15_000 + 2.0 * plan.LongRounds / 50_000)))
        + 2 * plan.ProcessRounds * (plan.ProcessSeconds + plan.WarmUpSeconds + 12);

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        // A build without Streamiz says so here, before anything is measured in vain.
        await using (var installation = await Installation.CreateAsync(lab, cancel))
            await installation.StopAsync(await installation.StartAsync("streamiz", "machines", cancel, Streamiz));
        return this.Result(
        [
            await BacklogAsync(lab, 1, "one partition", cancel),
            await BacklogAsync(lab, Installation.Partitions, "eight partitions", cancel),
            .. await SteadyAsync(lab, cancel),
        ]);
    }

    private static async Task<Figure> BacklogAsync(Lab lab, int campaigns, string what, CancellationToken cancel)
    {
        await using var installation = await Installation.CreateAsync(lab, cancel);
        var backlog = await Backlog.CreateAsync(lab, installation, campaigns, lab.Plan.BacklogClaims / BacklogPart, cancel);
        var (streamiz, direct) = (new List<double>(), new List<double>());
        for (var round = 1; round <= lab.Plan.LongRounds; round++)
        {
            direct.Add(await backlog.DecideAsync(cancel, Direct));
            streamiz.Add(await backlog.DecideAsync(cancel, Streamiz));
            lab.Say($"  {what}, round {round} of {lab.Plan.LongRounds}: direct {direct[^1]:N0}/s, streamiz {streamiz[^1]:N0}/s");
        }

        return new Figure($"Streamiz beside direct: decided of a backlog, {what}", "commands/s", streamiz, direct, Goal.None, 0,
            FormattableString.Invariant($"{backlog.Commands:N0} commands in {backlog.RecordCount:N0} records as the door wrote them"));
    }

    private static async Task<IReadOnlyList<Figure>> SteadyAsync(Lab lab, CancellationToken cancel)
    {
        var campaigns = Installation.CampaignsOnPartitions(Installation.Partitions);
        var rate = lab.ModerateRate;
        await using var installation = await Installation.CreateAsync(lab, cancel);
        await installation.OpenAsync(campaigns, RowExtensions.NeverSoldOut, cancel);
        var (streamiz, direct) = (new List<Steady>(), new List<Steady>());
        for (var round = 1; round <= lab.Plan.ProcessRounds; round++)
        {
            direct.Add(await SteadyAsync(lab, installation, campaigns, rate, Direct, cancel));
            streamiz.Add(await SteadyAsync(lab, installation, campaigns, rate, Streamiz, cancel));
            lab.Say($"  {rate:N0}/s, round {round}: direct {direct[^1]}, streamiz {streamiz[^1]}");
        }

        Figure Side(string name, string unit, Func<Steady, double> of) =>
            new($"Streamiz beside direct: {name}, {rate:N0}/s", unit, [.. streamiz.Select(of)], [.. direct.Select(of)], Goal.None, 0);
        return
        [
            Side("until decided, median", "ms", s => s.DecidedP50), Side("until decided, p99", "ms", s => s.DecidedP99),
            Side("CPU time per claim", "µs", s => s.CpuPerClaim), Side("resident memory of the server", "MB", s => s.Megabytes),
        ];
    }

    private static async Task<Steady> SteadyAsync(
        Lab lab, Installation installation, IReadOnlyList<string> campaigns, double rate, (string Key, string Value)[] engine, CancellationToken cancel)
    {
        var server = await installation.StartAsync(engine[0].Value, "api,machines,ledger", cancel, engine);
        var load = new StormPlan
        {
            Urls = [server.Url],
            Campaigns = campaigns,
            Rate = rate,
            Claims = (int)(rate * lab.Plan.ProcessSeconds),
            DecisionSample = 0.1,
        };
        // A storm of its own: while the code of a new process is compiled the door may refuse some, and that is not compared.
        await lab.StormAsync(load with { Claims = (int)(rate * lab.Plan.WarmUpSeconds) }, lab.Processes(server), cancel);
        var (report, window) = await lab.StormAsync(load, lab.Processes(server), cancel);
        var megabytes = ProcFs.ResidentBytes(server.Process.Id) / Megabyte;
        await installation.StopAsync(server);
        return report.RefusedAtDoor + report.Unknown == 0
            ? new Steady(report.UntilDecided.P50, report.UntilDecided.P99, window.CpuPerClaim, megabytes)
            : throw new MeasureException($"the engine {engine[0].Value} at {rate:N0}/s: {report.RefusedAtDoor:N0} claims refused, {report.Unknown:N0} without an answer");
    }

    private readonly record struct Steady(double DecidedP50, double DecidedP99, double CpuPerClaim, double Megabytes)
    {
        public override string ToString() => FormattableString.Invariant($"{DecidedP50:F1} ms until decided, p99 {DecidedP99:F1} ms, {CpuPerClaim:F0} µs, {Megabytes:F0} MB");
    }
}
