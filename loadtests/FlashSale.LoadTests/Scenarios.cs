using System.Globalization;
using NBomber.Contracts;
using NBomber.Contracts.Stats;
using NBomber.CSharp;

namespace FlashSale.LoadTests;

/// <summary>The load tests. Each is one NBomber scenario with thresholds that fail the run.</summary>
internal static class Scenarios
{
    private const string ClaimStep = "claim";
    private const string DecisionStep = "decision";

    // A spike's share of claims in its first two seconds is 80%; the tail of 28 seconds has the others.
    private const int RushSeconds = 2;
    private const int TailSeconds = 28;

    /// <summary>What the p99 of the decision may be.</summary>
    private const int DecisionMilliseconds = 1000;

    /// <summary>More failures than any threshold allows: the thresholds decide, not NBomber's limit of 5,000.</summary>
    private const int FailuresMax = int.MaxValue;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    // Connections are opened and code is compiled before that.
    private static readonly TimeSpan SettledAfter = TimeSpan.FromSeconds(10);

    /// <summary>The scenario that the settings name.</summary>
    public static ScenarioProps Create(LoadSettings settings, Sale sale) => settings.Scenario switch
    {
        LoadSettings.ClaimStorm => Claims(settings, sale).WithLoadSimulations(Steady(settings)),
        LoadSettings.Soak => Claims(settings, sale).WithLoadSimulations(Steady(settings)),
        LoadSettings.Spike => Claims(settings, sale).WithLoadSimulations(Rush(settings)),
        LoadSettings.MixedSale => Mixed(settings, sale).WithLoadSimulations(Steady(settings)),
        _ => throw new ArgumentOutOfRangeException(nameof(settings), settings.Scenario, "There is no such scenario."),
    };

    /// <summary>Everybody claims once.</summary>
    private static ScenarioProps Claims(LoadSettings settings, Sale sale) =>
        Prepare(Scenario.Create(settings.Scenario, async context => await Step.Run(ClaimStep, context, async () => Judge(await sale.ClaimAsync()))))
            .WithThresholds(
                Threshold.Create(ClaimStep, stats => IsFast(stats, settings.P99Milliseconds), startCheckAfter: SettledAfter),
                Threshold.Create(ClaimStep, NothingFailed));

    /// <summary>Everybody claims once, and whoever is accepted waits for the decision.</summary>
    private static ScenarioProps Mixed(LoadSettings settings, Sale sale) =>
        Prepare(Scenario.Create(settings.Scenario, async context =>
        {
            var ticket = "";
            var claim = await Step.Run(ClaimStep, context, async () =>
            {
                var answer = await sale.ClaimAsync();
                ticket = answer.Ticket ?? "";
                return Judge(answer);
            });
            if (claim.IsError || ticket.Length == 0)
                return claim;
            return await Step.Run(DecisionStep, context, async () => Judge(await sale.DecisionAsync(ticket)));
        }))
            .WithThresholds(
                Threshold.Create(ClaimStep, stats => IsFast(stats, settings.P99Milliseconds), startCheckAfter: SettledAfter),
                Threshold.Create(DecisionStep, stats => IsFast(stats, DecisionMilliseconds), startCheckAfter: SettledAfter),
                Threshold.Create(ClaimStep, NothingFailed),
                Threshold.Create(DecisionStep, NothingFailed));

    private static ScenarioProps Prepare(ScenarioProps scenario) =>
        scenario.WithoutWarmUp().WithRestartIterationOnFail(shouldRestart: false).WithMaxFailCount(FailuresMax);

    private static LoadSimulation Steady(LoadSettings settings) => Simulation.Inject(settings.Rate, Second, settings.Duration);

    private static LoadSimulation[] Rush(LoadSettings settings)
    {
        // As many in the tail as a quarter of the rush, falling from twice the mean rate to nearly nothing.
        var tail = Math.Max(2, settings.Rate * RushSeconds / 4 * 2 / TailSeconds);
        return
        [
            Simulation.Inject(settings.Rate, Second, TimeSpan.FromSeconds(RushSeconds)),
            Simulation.Inject(tail, Second, Second),
            Simulation.RampingInject(1, Second, TimeSpan.FromSeconds(TailSeconds - 1)),
        ];
    }

    private static bool IsFast(StepStats stats, int milliseconds) => stats.Ok.Latency.Percent99 <= milliseconds;

    private static bool NothingFailed(StepStats stats) => stats.Fail.Request.Count == 0;

    /// <summary>A refusal is an answer; overload, faults and decisions that do not come are failures.</summary>
    private static Response<object> Judge(Answer answer)
    {
        var status = answer.Status.ToString(CultureInfo.InvariantCulture);
        var told = answer.Status is 202 or 409 || answer is { Status: 200, State: "issued" or "refused" };
        return told ? Response.Ok(statusCode: status, message: answer.State ?? "") : Response.Fail(statusCode: status, message: answer.State ?? "");
    }
}
