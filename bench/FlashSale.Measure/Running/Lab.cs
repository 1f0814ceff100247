using System.Diagnostics;
using System.Globalization;
using FlashSale.Chaos.Processes;
using FlashSale.Chaos.Servers;

namespace FlashSale.Measure.Running;

/// <summary>What the rows share: the servers, the plan, and load put on a door.</summary>
/// <param name="spent">Of the plan's time, before: on the build, on starting the servers.</param>
internal sealed class Lab(Stack stack, Plan plan, string logs, TimeSpan spent, TextWriter output)
{
    /// <summary>
    /// Connections of a closed loop at full load. A door gathers for 8 ms (Door:AppendInterval) before it appends: on 512 connections it could answer
    /// no more than 64,000 claims a second, however fast it was.
    /// </summary>
    public const int FullLoadConnections = 1_024;

    /// <summary>Claims a second that no door reaches: bounds how many users a closed loop is given.</summary>
    private const int ClosedLoopRateMax = 150_000;

    private const double UsualRate = 12_000;

    private static readonly TimeSpan FirstClaimWithin = TimeSpan.FromSeconds(30);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly string _run = Random.Shared.Next(0x10000).ToString("x4", CultureInfo.InvariantCulture);
    private int _installations;

    public Stack Stack => stack;

    public Plan Plan => plan;

    /// <summary>Where processes log to.</summary>
    public string Logs => logs;

    public Ports Ports { get; } = new(null);

    /// <summary>The rate that was found to be sustained, in this run or, as the page has it, an earlier one of this machine; claims a second.</summary>
    public double? SustainedRate { get; set; }

    /// <summary>Claims a second that the door of a process with all roles takes in closed loop; null: not measured in this run.</summary>
    public double? AllRolesRate { get; set; }

    /// <summary>The rate for rows that need load without pushing to the limit, and have none measured in this run.</summary>
    public double ModerateRate => RateOf(0.5);

    /// <summary>A share of the sustained rate, or where that was not measured in this run, of what any machine sustains.</summary>
    public double RateOf(double share) => Math.Round((SustainedRate ?? UsualRate) * share / 500) * 500;

    /// <summary>Until the plan's deadline.</summary>
    public double SecondsLeft => (plan.Deadline - spent - _clock.Elapsed).TotalSeconds;

    /// <summary>What the rows after the present one take.</summary>
    public double SecondsForLater { get; set; }

    /// <summary>What the present row can take without taking it from later ones.</summary>
    public double SpareSeconds => SecondsLeft - SecondsForLater;

    public void Say(string text) => output.WriteLine($"measure: [{_clock.Elapsed:mm\\:ss}] {text}");

    /// <summary>A name for an installation, used by no other one.</summary>
    public string NextName() => string.Create(CultureInfo.InvariantCulture, $"m{_run}n{++_installations}");

    /// <summary>The processes whose CPU time a claim costs: these servers, Kafka, Redis, the database.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> Processes(params ServerNode[] servers) =>
        [.. servers.Select(s => KeyValuePair.Create(LoadWindow.Server, s.Process.Id)), .. stack.Pids];

    /// <summary>Closed loop on a door at full load: the stretch after its first second.</summary>
    public async Task<LoadWindow> FullLoadAsync(string url, IReadOnlyList<string> campaigns, int seconds, IReadOnlyList<KeyValuePair<string, int>> processes, CancellationToken cancel)
    {
        await using var storm = Storm.Start(this, new StormPlan { Urls = [url], Campaigns = campaigns, Connections = FullLoadConnections, Claims = ClosedLoopRateMax * (seconds + 2) });
        var meter = new LoadMeter([url], [.. processes, KeyValuePair.Create(LoadWindow.Generator, storm.Pid)]);
        await FirstClaimAsync(url, storm, cancel);
        await Task.Delay(1_000, cancel);
        await meter.BeginAsync(cancel);
        await Task.Delay(TimeSpan.FromSeconds(seconds), cancel);
        var window = await meter.EndAsync(cancel);
        await storm.EndAsync();
        return window;
    }

    /// <summary>A storm to its end: the report, and the stretch between the end of the warm-up and a second before the last claim.</summary>
    public async Task<(StormReport Report, LoadWindow Window)> StormAsync(StormPlan load, IReadOnlyList<KeyValuePair<string, int>> processes, CancellationToken cancel)
    {
        await using var storm = Storm.Start(this, load);
        var meter = new LoadMeter(load.Urls, [.. processes, KeyValuePair.Create(LoadWindow.Generator, storm.Pid)]);
        await FirstClaimAsync(load.Urls[0], storm, cancel);
        await Task.Delay(TimeSpan.FromSeconds(load.WarmUpSeconds + 1), cancel);
        await meter.BeginAsync(cancel);
        await Task.Delay(TimeSpan.FromSeconds(Math.Max(load.Seconds - 2, 1)), cancel);
        var window = await meter.EndAsync(cancel);
        return (await storm.ReportAsync(cancel), window);
    }

    /// <summary>The generator takes a moment to start and to lay out its claims.</summary>
    private static async Task FirstClaimAsync(string url, Storm storm, CancellationToken cancel)
    {
        var before = await CountAsync();
        for (var clock = Stopwatch.StartNew(); await CountAsync() <= before; await Task.Delay(50, cancel))
        {
            if (storm.HasExited)
                await storm.ReportAsync(cancel);
            if (storm.HasExited || clock.Elapsed > FirstClaimWithin)
                throw new MeasureException($"the load generator did not come to its first claim within {FirstClaimWithin.TotalSeconds:0} s");
        }

        async Task<double> CountAsync()
        {
            var metrics = await Metrics.ReadAsync(url, cancel);
            return metrics.Sum(Metrics.Accepted) + metrics.Sum(Metrics.Refused);
        }
    }
}
