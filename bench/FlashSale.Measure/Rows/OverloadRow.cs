using FlashSale.Measure.Running;

namespace FlashSale.Measure.Rows;

/// <summary>Three times as many claims as can be decided, then everybody who fits on 2,000 connections: what is accepted is still served in time, the rest is refused at once.</summary>
internal sealed class OverloadRow : IRow
{
    private const int DecidedPerSecond = 5_000;
    private const int OfferedPerSecond = 15_000;
    private const int Crowd = 2_000;
    private const int CrowdWarmUpSeconds = 5;
    private const int NormalPerSecond = 1_000;

    /// <summary>Claims whose decision is waited for at the same time: what is decided within a second, and more.</summary>
    private const int WaitConnections = 9_000;

    private static readonly TimeSpan SampleInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan NormalAfter = TimeSpan.FromSeconds(1.5);

    public string Name => "overload";

    public string Title => $"deciding limited to {DecidedPerSecond:N0}/s, {OfferedPerSecond:N0}/s offered, then {Crowd:N0} connections in closed loop";

    public int Seconds(Plan plan) => 27 + 2 * plan.WarmUpSeconds + plan.OverloadSeconds + CrowdSeconds(plan);

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        var campaigns = Installation.CampaignsOnPartitions(1);
        await using var installation = await Installation.CreateAsync(lab, cancel);
        var server = await installation.StartAsync("server", "api,machines,ledger", cancel, ("Engine:CommandsPerSecondMax", $"{DecidedPerSecond}"));
        await Installation.OpenAsync(server, campaigns[0], RowExtensions.NeverSoldOut, cancel);
        await lab.FullLoadAsync(server.Url, campaigns, lab.Plan.WarmUpSeconds, lab.Processes(server), cancel);
        await CatchUp.DecidedAsync(server.Url, cancel);
        var load = new StormPlan
        {
            Urls = [server.Url],
            Campaigns = campaigns,
            Rate = OfferedPerSecond,
            Claims = OfferedPerSecond * lab.Plan.OverloadSeconds,
            // Else the first seconds are those in which a generator compiles its code and opens thousands of connections on the same two cores.
            RampSeconds = lab.Plan.WarmUpSeconds,
            Connections = Crowd,
            DecisionSample = 1,
            WaitConnections = WaitConnections,
            SettleEvery = true,
        };
        await using var sampler = new Sampler(SampleInterval, async token =>
        {
            var metrics = await Metrics.ReadAsync(server.Url, token);
            return [metrics.Sum(Metrics.Accepted), metrics.Sum(Metrics.Refused), metrics.Sum(Metrics.LagAge)];
        });
        var (storm, _) = await lab.StormAsync(load, lab.Processes(server), cancel);
        lab.Say($"  {storm.Accepted:N0} of {storm.Offered:N0} accepted; p99 of the 202 {storm.UntilAccepted.P99:F0} ms, of the decision {storm.UntilDecided.P99:F0} ms; {storm.Verdict?.Line}");

        var (crowd, _) = await lab.StormAsync(load with { Rate = null, Claims = 0, WarmUpSeconds = CrowdWarmUpSeconds, ClosedLoopSeconds = CrowdSeconds(lab.Plan) }, lab.Processes(server), cancel);
        lab.Say($"  closed loop: {crowd.Accepted:N0} of {crowd.Offered:N0} accepted; p99 of the 202 {crowd.UntilAccepted.P99:F0} ms, of the decision {crowd.UntilDecided.P99:F0} ms");

        await Task.Delay(NormalAfter, cancel);
        var (normal, _) = await lab.StormAsync(load with { Rate = NormalPerSecond, RampSeconds = 0, Claims = NormalPerSecond * 3 }, lab.Processes(server), cancel);
        var lines = sampler.Lines("accepted", "refused", "oldest undecided");
        lab.Say($"  after it: {normal.RefusedAtDoor:N0} of {normal.Offered:N0} refused, p99 of the decision {normal.UntilDecided.P99:F0} ms");

        return this.Result(
            new Figure("overload: p99 of the 202", "ms", [storm.UntilAccepted.P99], [], Goal.AtMost, 250, FormattableString.Invariant($"{storm.Accepted:N0} of {storm.Offered:N0} accepted")),
            new Figure("overload: p99 until decided, all that is accepted", "ms", [storm.UntilDecided.P99], [], Goal.AtMost, 1_000, "as its caller learns it over HTTP"),
            new Figure("overload: p99 of a refusal", "ms", [storm.UntilRefused.P99], [], Goal.None, 0),
            new Figure("overload: p99 of what a claim waits in the generator", "ms", [storm.Behind.P99], [], Goal.None, 0, "for a connection or a core, which the generator shares; part of the three above"),
            new Figure("overload: storms after which something was lost, or somebody told something wrong", "storms", [new[] { storm, crowd, normal }.Count(r => r.Verdict is not { Exact: true })], [], Goal.AtMost, 0, "that many of the three storms' verdicts are not exact"),
            new Figure($"{Crowd:N0} connections in closed loop: p99 of the 202", "ms", [crowd.UntilAccepted.P99], [], Goal.AtMost, 250, FormattableString.Invariant($"{crowd.Accepted:N0} of {crowd.Offered:N0} accepted")),
            new Figure("the same: p99 until decided", "ms", [crowd.UntilDecided.P99], [], Goal.AtMost, 1_000),
            new Figure("2 s after it: claims refused at 1,000/s", "claims", [normal.RefusedAtDoor + normal.Unknown], [], Goal.AtMost, 0),
            new Figure("2 s after it: p99 until decided at 1,000/s", "ms", [normal.UntilDecided.P99], [], Goal.AtMost, 100)) with
        {
            Pictures =
            [
                new Picture("overload", $"deciding limited to {DecidedPerSecond:N0}/s; {OfferedPerSecond:N0}/s offered, then {Crowd:N0} connections in closed loop",
                [
                    new Panel("claims a second", [lines[0].Rate("accepted"), lines[1].Rate("refused")]),
                    new Panel("age of the oldest undecided claim, ms", [new Series("age", lines[2].Seconds, [.. lines[2].Values.Select(v => v * 1_000)])]),
                ]),
            ],
        };
    }

    private static int CrowdSeconds(Plan plan) => plan.OverloadSeconds / 4;
}
