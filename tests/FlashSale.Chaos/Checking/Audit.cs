using FlashSale.Chaos.Processes;
using FlashSale.Chaos.Servers;

namespace FlashSale.Chaos.Checking;

/// <summary><c>flashsale audit</c> over everything that the run has left: log, state, events, ledger, and what callers were told.</summary>
internal sealed class Audit(ChaosStack stack, StormLoad load, ChaosOptions options)
{
    public async Task RunAsync(List<string> violations, TextWriter output, CancellationToken cancel)
    {
        await using var audit = new ChildProcess("audit", stack.Logs, () => new Launch(
            Programs.Dotnet,
            [
                Path.Combine(AppContext.BaseDirectory, "flashsale.dll"), "audit", "--kafka", stack.Kafka.Bootstrap, "--redis", stack.Redis.MasterAddress,
                "--ledger", stack.Database.ConnectionString, "--told", load.Told, "--settled", "--json", Path.Combine(options.Folder, "audit.json"),
            ],
            new Dictionary<string, string>()));
        audit.Start();
        var exitCode = await audit.ExitAsync(cancel);
        await output.WriteLineAsync();
        await output.WriteAsync(await File.ReadAllTextAsync(audit.Log, cancel));
        if (exitCode == 1)
            violations.Add($"the audit found differences; see {audit.Log}");
        else if (exitCode != 0)
            violations.Add($"the audit could not look (exit code {exitCode}); see {audit.Log}");
    }
}
