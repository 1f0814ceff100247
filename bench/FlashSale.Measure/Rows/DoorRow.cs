using FlashSale.Chaos.Servers;
using FlashSale.Measure.Running;
using FlashSale.Measure.Twins;

namespace FlashSale.Measure.Rows;

/// <summary>Claims accepted at the door of an open campaign, and what one allocates.</summary>
internal sealed class DoorRow : IRow
{
    /// <summary>A door without machines beside it: nothing is decided, which is not to be its concern here.</summary>
    public static readonly (string, string)[] Alone = [("Door:UndecidedMax", "1000000000")];

    public string Name => "door";

    public string Title => "claims accepted at the door, open campaign";

    public int Seconds(Plan plan) => 30 + 2 * plan.WarmUpSeconds + plan.KafkaWarmUpSeconds + (2 * plan.Rounds + plan.LongRounds) * (plan.DoorSeconds + 3) + 2 * plan.LongRounds * (plan.HalfRateSeconds + 7) + (Wrk.IsThere ? 4 * plan.DoorSeconds : 0);

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        var plan = lab.Plan;
        var campaigns = Installation.CampaignsOnPartitions(1);
        var (ours, twins, figures) = (new List<LoadWindow>(), new List<LoadWindow>(), new List<Figure>());
        await using (var twin = await DoorTwinNode.StartAsync(lab, cancel))
        await using (var installation = await Installation.CreateAsync(lab, cancel))
        {
            await installation.OpenAsync(campaigns, RowExtensions.NeverSoldOut, cancel);
            var door = await installation.StartAsync("api", "api", cancel, Alone);
            await lab.FullLoadAsync(twin.Url, campaigns, plan.WarmUpSeconds, twin.Processes, cancel);
            await lab.FullLoadAsync(door.Url, campaigns, plan.KafkaWarmUpSeconds, lab.Processes(door), cancel);
            for (var round = 1; round <= plan.Rounds; round++)
            {
                twins.Add(await lab.FullLoadAsync(twin.Url, campaigns, plan.DoorSeconds, twin.Processes, cancel));
                ours.Add(await lab.FullLoadAsync(door.Url, campaigns, plan.DoorSeconds, lab.Processes(door), cancel));
                lab.Say($"  round {round} of {plan.Rounds}: twin {twins[^1].AcceptedPerSecond:N0}/s, ours {ours[^1].AcceptedPerSecond:N0}/s");
            }

            figures.Add(new Figure("accepted at the door, Roles=api", "claims/s", Rates(ours), Rates(twins), Goal.RatioAtLeast, 0.8,
                $"CPU time per claim: ours {Cpu(ours)}; twin {Cpu(twins)}"));
            figures.Add(await HalfRateAsync(lab, twin, door, campaigns, Figure.Median(Rates(ours)) / 2, cancel));
            figures.Add(new Figure("managed allocation per claim at the door", "bytes", [.. ours.Select(w => w.AllocatedPerClaim)], [.. twins.Select(w => w.AllocatedPerClaim)], Goal.DifferenceAtMost, 600));
            if (await Wrk.RunAsync(lab, [twin.Url, door.Url], campaigns[0], plan.DoorSeconds, cancel) is [var wrkTwin, var wrkOurs])
                figures.Add(new Figure("the same by wrk", "claims/s", [wrkOurs], [wrkTwin], Goal.None, 0.8, "a second opinion on the generator"));
        }

        var all = Rates(await AllRolesAsync(lab, campaigns, cancel));
        lab.AllRolesRate = Figure.Median(all);
        figures.Add(new Figure("accepted at the door, all roles in the process", "claims/s", all, [], Goal.None, 0,
            "deciding and writing at the same time"));
        return this.Result(figures);
    }

    /// <summary>The twin gets the same load: what it comes to is the machine's part, as it has nothing to wait for.</summary>
    private static async Task<Figure> HalfRateAsync(Lab lab, DoorTwinNode twin, ServerNode door, IReadOnlyList<string> campaigns, double rate, CancellationToken cancel)
    {
        var (ours, twins) = (new List<double>(), new List<double>());
        for (var round = 1; round <= lab.Plan.LongRounds; round++)
        {
            twins.Add(await LateAsync(twin.Url, twin.Processes));
            ours.Add(await LateAsync(door.Url, lab.Processes(door)));
            lab.Say($"  at {rate:N0}/s, round {round} of {lab.Plan.LongRounds}: p99 of the 202, twin {twins[^1]:F1} ms, ours {ours[^1]:F1} ms");
        }

        return new Figure($"p99 of the 202 at half of that rate ({rate:N0}/s)", "ms", ours, twins, Goal.AtMost, 25);

        async Task<double> LateAsync(string url, IReadOnlyList<KeyValuePair<string, int>> processes)
        {
            var load = new StormPlan { Urls = [url], Campaigns = campaigns, Rate = Math.Floor(rate), Claims = (int)(rate * lab.Plan.HalfRateSeconds), WarmUpSeconds = 3 };
            return (await lab.StormAsync(load, processes, cancel)).Report.UntilAccepted.P99;
        }
    }

    private static async Task<List<LoadWindow>> AllRolesAsync(Lab lab, IReadOnlyList<string> campaigns, CancellationToken cancel)
    {
        await using var installation = await Installation.CreateAsync(lab, cancel);
        var server = await installation.StartAsync("all", "api,machines,ledger", cancel);
        await Installation.OpenAsync(server, campaigns[0], RowExtensions.NeverSoldOut, cancel);
        await lab.FullLoadAsync(server.Url, campaigns, lab.Plan.WarmUpSeconds, lab.Processes(server), cancel);
        var windows = new List<LoadWindow>();
        for (var round = 1; round <= lab.Plan.LongRounds; round++)
        {
            await CatchUp.DecidedAsync(server.Url, cancel);
            windows.Add(await lab.FullLoadAsync(server.Url, campaigns, lab.Plan.DoorSeconds, lab.Processes(server), cancel));
            lab.Say($"  all roles, round {round} of {lab.Plan.LongRounds}: {windows[^1].AcceptedPerSecond:N0}/s");
        }

        return windows;
    }

    private static List<double> Rates(List<LoadWindow> windows) => [.. windows.Select(w => w.AcceptedPerSecond)];

    /// <summary>What the processes spent on a claim in the last round.</summary>
    private static string Cpu(List<LoadWindow> windows) => string.Join(", ", windows[^1].Processes.Where(p => p.Total >= 0.5).Select(p => FormattableString.Invariant($"{p.Process} {p.Total:F0} µs")));
}
