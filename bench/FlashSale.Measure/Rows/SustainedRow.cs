using FlashSale.Chaos.Servers;
using FlashSale.Measure.Running;
using FlashSale.Measure.Twins;

namespace FlashSale.Measure.Rows;

/// <summary>The highest rate at which claims are accepted, decided and written without falling behind, all roles in one process, and what a claim costs there.</summary>
internal sealed class SustainedRow : IRow
{
    /// <summary>
    /// The search begins at this share of what the same door takes in closed loop, which is about what is sustained, and goes on in small steps;
    /// where that was not measured in this run, at a rate that most machines sustain, and in large ones.
    /// </summary>
    private const double StartShare = 0.8;
    private const double Growth = 1.15;
    private const double UnknownStartRate = 8_000;
    private const double UnknownGrowth = 1.4;

    /// <summary>The search ends when the limit is known this closely.</summary>
    private const double Closeness = 1.08;

    /// <summary>Attempts to hold the rate for long: as many as later rows leave time for, within these bounds.</summary>
    private const int AttemptsMin = 3;
    private const int AttemptsMax = 6;
    private const double DecidedMaxMs = 100;

    /// <summary>The generator, a process of its own for each attempt, is behind for so long when it begins at full rate: it is compiled, and opens its connections.</summary>
    private const int WarmUpSeconds = 6;

    private static readonly TimeSpan SampleInterval = TimeSpan.FromMilliseconds(500);

    public const string RowName = "sustained";

    public string Name => RowName;

    public string Title => "claims accepted, decided and in the ledger, all roles in one process";

    public int Seconds(Plan plan) => 15 + plan.WarmUpSeconds + 6 * (plan.ProbeSeconds + 9) + AttemptsMin * AttemptSeconds(plan) + TwinSeconds(plan);

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        var campaigns = Installation.CampaignsOnPartitions(1);
        var sales = new Queue<string>(Installation.CampaignsOn(0).Skip(1).Take(2 * lab.Plan.ProbesMax + AttemptsMax));
        await using var installation = await Installation.CreateAsync(lab, cancel);
        var server = await installation.StartAsync("server", "api,machines,ledger", cancel);
        await Installation.OpenAsync(server, campaigns[0], RowExtensions.NeverSoldOut, cancel);
        await lab.FullLoadAsync(server.Url, campaigns, lab.Plan.WarmUpSeconds, lab.Processes(server), cancel);
        await CatchUp.DecidedAsync(server.Url, cancel);

        var rate = await SearchAsync(lab, server, sales, cancel);
        Attempt attempt;
        for (var attempts = 1; ; attempts++)
        {
            // As an operator does before a sale (docs/operations.md): a minute at this rate writes a quarter of what lets Redis begin to do so by itself.
            await lab.Stack.RewriteAofAsync(cancel);
            attempt = await AttemptAsync(lab, server, sales.Dequeue(), rate, lab.Plan.SustainedSeconds, cancel);
            var left = Math.Clamp((int)((lab.SpareSeconds - TwinSeconds(lab.Plan)) / AttemptSeconds(lab.Plan)), AttemptsMin - attempts, AttemptsMax - attempts);
            if (attempt.Failure is null || left <= 0)
                break;
            rate *= Retreat(left);
        }

        var (report, window, lines, failure) = attempt;
        if (failure is null)
            lab.SustainedRate = report.RateAchieved;
        return this.Result(
            new Figure($"end to end, sustained for {lab.Plan.SustainedSeconds} s", "claims/s", [failure is null ? report.RateAchieved : 0], [], Goal.AtLeast, 30_000,
                failure is null ? "p99 until decided below 100 ms, nothing refused, lag flat" : $"not even at {rate:N0}/s: {failure}"),
            new Figure("p99 until decided at that rate", "ms", [report.UntilDecided.P99], [], Goal.AtMost, DecidedMaxMs, "a sample of a tenth, as its caller learns it over HTTP"),
            new Figure("p99 of the 202 at that rate", "ms", [report.UntilAccepted.P99], [], Goal.None, 0),
            new Figure("CPU time per claim from door to ledger", "µs", [window.CpuPerClaim], [], Goal.AtMost, 40, "all processes but the load generator; see the profile"),
            new Figure("CPU time per claim of the door's twin, right after it", "µs", [await TwinAsync(lab, campaigns, cancel)], [], Goal.None, 0,
                "how fast the machine is in this hour: HTTP, parsing, ticket and answer, at full load")) with
        {
            Profile = window.Profile,
            Pictures =
            [
                new Picture("sustained", $"{rate:N0} claims/s, all roles in one process",
                [
                    new Panel("accepted a second", [lines[0].Rate("accepted")]),
                    new Panel("commands accepted and not decided", [lines[1]]),
                    new Panel("records decided and not in the ledger", [lines[2]]),
                ]),
            ],
        };
    }

    /// <summary>
    /// How much lower the next attempt is. A minute meets moments that seconds do not, in which the machine serves others: by half of what the search tells
    /// apart, but by a good part where few attempts are left, as the row is to end with a rate that was held.
    /// </summary>
    private static double Retreat(int attemptsLeft) => attemptsLeft switch { 1 => 0.75, 2 => 0.85, _ => 0.96 };

    private static int AttemptSeconds(Plan plan) => plan.SustainedSeconds + 17;

    private static int TwinSeconds(Plan plan) => plan.WarmUpSeconds + plan.DoorSeconds + 12;

    /// <summary>What the door's twin takes for a claim: the same work in each run of this program, so that runs of different hours can be compared by it.</summary>
    private static async Task<double> TwinAsync(Lab lab, IReadOnlyList<string> campaigns, CancellationToken cancel)
    {
        await using var twin = await DoorTwinNode.StartAsync(lab, cancel);
        await lab.FullLoadAsync(twin.Url, campaigns, lab.Plan.WarmUpSeconds, twin.Processes, cancel);
        return (await lab.FullLoadAsync(twin.Url, campaigns, lab.Plan.DoorSeconds, twin.Processes, cancel)).CpuPerClaim;
    }

    /// <summary>The highest rate that short runs sustain. One that fails is tried once more: a moment in which the machine serves others must not bound the search.</summary>
    private static async Task<double> SearchAsync(Lab lab, ServerNode server, Queue<string> sales, CancellationToken cancel)
    {
        var (rate, growth) = lab.AllRolesRate is { } closedLoop ? (closedLoop * StartShare, Growth) : (UnknownStartRate, UnknownGrowth);
        var (low, high) = (0.0, double.PositiveInfinity);
        for (var probe = 0; probe < lab.Plan.ProbesMax && !(low > 0 && high / low < Closeness) && rate >= 500; probe++)
        {
            if ((await AttemptAsync(lab, server, sales.Dequeue(), rate, lab.Plan.ProbeSeconds, cancel)).Failure is null
                || (await AttemptAsync(lab, server, sales.Dequeue(), rate, lab.Plan.ProbeSeconds, cancel)).Failure is null)
                low = rate;
            else
                high = rate;
            rate = low == 0 ? high / growth : double.IsInfinity(high) ? low * growth : (low + high) / 2;
        }

        // Where none is sustained, the lowest one tried shows what it comes to.
        return low > 0 ? low : high;
    }

    /// <summary>A sale of its own, as a campaign of which millions are issued already costs more (docs/performance.md).</summary>
    private static async Task<Attempt> AttemptAsync(Lab lab, ServerNode server, string campaign, double rate, int seconds, CancellationToken cancel)
    {
        await Installation.OpenAsync(server, campaign, RowExtensions.NeverSoldOut, cancel);
        // On twice as many connections, once callers wait, a claim costs more, and a moment without a core lasts (docs/performance.md).
        var load = new StormPlan { Urls = [server.Url], Campaigns = [campaign], Rate = Math.Round(rate), Claims = (int)(rate * seconds), WarmUpSeconds = WarmUpSeconds, DecisionSample = 0.1, Connections = Lab.FullLoadConnections };
        await using var sampler = new Sampler(SampleInterval, async token =>
        {
            var metrics = await Metrics.ReadAsync(server.Url, token);
            return [metrics.Sum(Metrics.Accepted), metrics.Sum(Metrics.Lag), metrics.Sum(Metrics.Decided) - metrics.Sum(Metrics.Written)];
        });
        var (report, window) = await lab.StormAsync(load, lab.Processes(server), cancel);
        var lines = sampler.Lines("accepted", "not decided", "not in the ledger");
        var failure = Judge(report, rate, lines[1], lines[2]);
        lab.Say($"  {rate:N0}/s for {seconds} s: p99 until decided {report.UntilDecided.P99:F0} ms, {window.CpuPerClaim:F0} µs of CPU per claim: {failure ?? "sustained"}");
        await CatchUp.DecidedAsync(server.Url, cancel);
        return new Attempt(report, window, lines, failure);
    }

    /// <summary>Why a rate is not sustained; null where it is.</summary>
    private static string? Judge(StormReport report, double rate, Series undecided, Series unwritten)
    {
        // What a tenth of a second brings, and half a second of records: below that, lag is what is under way.
        var undecidedMax = undecided.MedianOf(0.1, 0.4) + rate * 0.1;
        var unwrittenMax = unwritten.MedianOf(0.1, 0.4) + 125;
        return report.RefusedAtDoor + report.Unknown + report.Unexpected > 0 ? $"{report.RefusedAtDoor:N0} refused, {report.Unknown + report.Unexpected:N0} without an answer"
            : report.RateAchieved < rate * 0.98 ? $"only {report.RateAchieved:N0}/s were sent"
            : report.UntilDecided.P99 >= DecidedMaxMs ? "decided too late"
            : undecided.MedianOf(0.6, 0.95) > undecidedMax ? "the decisions fall behind"
            : unwritten.MedianOf(0.6, 0.95) > unwrittenMax ? "the ledger falls behind"
            : null;
    }

    private sealed record Attempt(StormReport Report, LoadWindow Window, IReadOnlyList<Series> Lines, string? Failure);
}
