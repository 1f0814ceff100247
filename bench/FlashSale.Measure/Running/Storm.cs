using System.Globalization;
using System.Text.Json;
using FlashSale.Chaos.Processes;

namespace FlashSale.Measure.Running;

/// <summary>What <c>flashsale storm</c> is to do.</summary>
internal sealed record StormPlan
{
    /// <summary>
    /// For load in open loop that is spread over many partitions: records gather for longer then (AppendPace, up to 24 and 64 ms), each
    /// connection waits for its answer, and on 512 a door could not come to more than 8,000 to 16,000 claims a second.
    /// </summary>
    public const int ManyConnections = 2_048;

    public required IReadOnlyList<string> Urls { get; init; }

    public required IReadOnlyList<string> Campaigns { get; init; }

    /// <summary>Claims a second; null: a closed loop, every connection claims again as soon as it is answered.</summary>
    public double? Rate { get; init; }

    /// <summary>How many claims; in a closed loop the most.</summary>
    public int Claims { get; init; }

    /// <summary>How long a closed loop lasts, in place of <see cref="Claims"/>.</summary>
    public double? ClosedLoopSeconds { get; init; }

    /// <summary>How long claims are sent, without the warm-up.</summary>
    public double Seconds => Rate is { } rate ? RampSeconds + Claims / rate : ClosedLoopSeconds!.Value;

    public double WarmUpSeconds { get; init; }

    /// <summary>In open loop: until the rate has risen from nothing. Its claims come on top, and count.</summary>
    public double RampSeconds { get; init; }

    public int Connections { get; init; } = 512;

    public double DecisionSample { get; init; }

    public int WaitConnections { get; init; } = 2_000;

    /// <summary>Whether every decision is asked for in the end, for the verdict.</summary>
    public bool SettleEvery { get; init; }

    public string? UserPrefix { get; init; }

    public IEnumerable<string> Arguments(string json)
    {
        foreach (var url in Urls)
            yield return $"--url={url}";
        foreach (var campaign in Campaigns)
            yield return $"--campaign={campaign}";
        yield return ClosedLoopSeconds is { } seconds ? Option("duration", seconds) : Option("users", Math.Round(Claims + (Rate ?? 0) * RampSeconds / 2));
        yield return "--repeat-share=0";
        if (Rate is { } rate)
        {
            yield return Option("rate", rate);
            yield return Option("warm-up", WarmUpSeconds);
            yield return Option("connections", Connections);
            if (RampSeconds > 0)
                yield return Option("ramp", RampSeconds);
        }
        else
        {
            yield return Option("closed-loop", Connections);
            if (ClosedLoopSeconds is not null)
                yield return Option("warm-up", WarmUpSeconds);
        }

        yield return Option("decision-sample", DecisionSample);
        yield return Option("wait-connections", WaitConnections);
        if (!SettleEvery)
            yield return "--no-settle-every";
        if (UserPrefix is not null)
            yield return $"--user-prefix={UserPrefix}";
        yield return $"--json={json}";
    }

    private static string Option(string name, double value) => string.Create(CultureInfo.InvariantCulture, $"--{name}={value}");
}

/// <summary>A storm that is under way.</summary>
internal sealed class Storm : IAsyncDisposable
{
    private const int CouldNotRun = 2;

    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(20);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private static int _count;

    private readonly ChildProcess _process;
    private readonly string _json;

    private Storm(ChildProcess process, string json)
    {
        _process = process;
        _json = json;
    }

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    public static Storm Start(Lab lab, StormPlan plan)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"storm-{Interlocked.Increment(ref _count)}");
        var json = Path.Combine(lab.Logs, $"{name}.json");
        var process = new ChildProcess(name, lab.Logs, () => new Launch(Programs.Dotnet, [Path.Combine(AppContext.BaseDirectory, "flashsale.dll"), "storm", .. plan.Arguments(json)],
            // The ledger is counted by whom it concerns.
            new Dictionary<string, string> { ["FLASHSALE_MYSQL"] = "", ["FLASHSALE_API_KEY"] = AdminHttp.ApiKey }));
        process.Start();
        return new Storm(process, json);
    }

    /// <summary>Waits for its end.</summary>
    /// <exception cref="MeasureException">It could not run.</exception>
    public async Task<StormReport> ReportAsync(CancellationToken cancel)
    {
        if (await _process.ExitAsync(cancel) == CouldNotRun || !File.Exists(_json))
            throw new MeasureException($"flashsale storm could not run: {File.ReadLines(_process.Log).LastOrDefault(l => l.Length > 0)} ({_process.Log})");
        await using var report = File.OpenRead(_json);
        return await JsonSerializer.DeserializeAsync<StormReport>(report, Json, cancel) ?? throw new MeasureException($"{_json} is empty");
    }

    /// <summary>Breaks it off.</summary>
    public Task EndAsync() => _process.TerminateAsync(EndWithin);

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}

/// <summary>What is needed of a storm's report.</summary>
internal sealed record StormReport
{
    public required double RateAchieved { get; init; }

    public required long Offered { get; init; }

    public required long Accepted { get; init; }

    public required long RefusedAtDoor { get; init; }

    public required long Unknown { get; init; }

    public required long Unexpected { get; init; }

    public required IReadOnlyList<StormLatency> LatenciesMilliseconds { get; init; }

    public required StormVerdict? Verdict { get; init; }

    public StormLatency UntilAccepted => Latency("until the 202");

    /// <summary>From when a claim was to be sent until it was: what it waited for a connection or a core. Part of all other latencies.</summary>
    public StormLatency Behind => Latency("generator behind schedule");

    public StormLatency UntilRefused => Latency("until a refusal");

    public StormLatency UntilDecided => Latency("until decided");

    private StormLatency Latency(string name) =>
        LatenciesMilliseconds.FirstOrDefault(l => l.Name.StartsWith(name, StringComparison.Ordinal)) ?? throw new MeasureException($"the storm's report has no latency '{name}'");
}

/// <summary>Percentiles in milliseconds.</summary>
internal sealed record StormLatency(string Name, long Count, double P50, double P99, double Max);

/// <summary>Whether the sale was exact.</summary>
internal sealed record StormVerdict(bool Exact, string Line);
