using System.Text.Json;
using FlashSale.Chaos.Processes;
using FlashSale.Chaos.Servers;

namespace FlashSale.Chaos.Checking;

/// <summary>What the storm told in the end; counts of claims.</summary>
internal sealed record StormResult(int ExitCode, long Offered, long Accepted, long Decided, long Unknown, IReadOnlyList<string> Violations);

/// <summary>The load: <c>flashsale storm</c> against both doors, repeating what has no answer with the same key, recording every answer.</summary>
internal sealed class StormLoad : IAsyncDisposable
{
    private const int Campaigns = 5;
    private const double RepeatShare = 0.05;

    /// <summary>For so long nothing new may come: longer than a freeze, and the takeovers after it.</summary>
    private const int SettleSeconds = 90;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly string _report;
    private readonly ChildProcess _process;

    public StormLoad(ChaosStack stack, ChaosOptions options)
    {
        _report = Path.Combine(options.Folder, "storm.json");
        Told = Path.Combine(options.Folder, "told");
        // Enough for everybody: nothing is refused at the door as sold out, so that the whole run decides.
        var quantity = (int)Math.Ceiling(options.Rate * options.Duration.TotalSeconds / Campaigns);
        List<string> arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "flashsale.dll"), "storm", "--open-quantity", $"{quantity}", "--rate", $"{options.Rate}",
            "--duration", $"{options.Duration.TotalSeconds}", "--repeat-share", $"{RepeatShare}", "--seed", $"{options.Seed}", "--retry-unknown",
            "--settle-timeout", $"{SettleSeconds}", "--json", _report, "--told", Told,
        ];
        foreach (var api in stack.Apis)
            arguments.AddRange(["--url", api.Url]);
        for (var c = 1; c <= Campaigns; c++)
            arguments.AddRange(["--campaign", $"chaos-{c}"]);
        _process = new ChildProcess("storm", stack.Logs, () => new Launch(Programs.Dotnet, arguments, new Dictionary<string, string>()));
    }

    /// <summary>The file with what callers were told.</summary>
    public string Told { get; }

    public bool HasEnded => _process.HasExited;

    public void Start() => _process.Start();

    /// <summary>Waits for its end.</summary>
    public async Task<StormResult> EndAsync(CancellationToken cancel)
    {
        var exitCode = await _process.ExitAsync(cancel);
        if (exitCode is not (0 or 1))
            throw new ChaosException($"the storm could not run (exit code {exitCode}): {(await File.ReadAllLinesAsync(_process.Log, cancel)).LastOrDefault()}");
        var report = JsonSerializer.Deserialize<Report>(await File.ReadAllTextAsync(_report, cancel), Json)!;
        return new StormResult(exitCode, report.Offered, report.Accepted, report.Campaigns.Sum(c => c.Decided), report.Unknown, report.Verdict?.Violations ?? []);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private sealed record Report(long Offered, long Accepted, long Unknown, IReadOnlyList<Campaign> Campaigns, Verdict? Verdict);

    private sealed record Campaign(long Decided);

    private sealed record Verdict(IReadOnlyList<string> Violations);
}
