using System.CommandLine;
using System.CommandLine.Parsing;
using FlashSale.Chaos.Faults;
using FlashSale.Cli;

namespace FlashSale.Chaos;

/// <summary>The command line of a chaos run.</summary>
internal static class ChaosCommand
{
    /// <summary>After Ctrl-C: enough to end every child and to print what was so far.</summary>
    private static readonly TimeSpan TerminationTimeout = TimeSpan.FromSeconds(60);

    public static async Task<int> RunAsync(string[] args)
    {
        var parsed = Create().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            await Console.Error.WriteLineAsync($"chaos: {ParseErrors.Describe(parsed.Errors[0])} (see --help)");
            return ExitCodes.CouldNotRun;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TerminationTimeout });
        }
        catch (ChaosException e)
        {
            await Console.Error.WriteLineAsync($"chaos: {e.Message}");
            return ExitCodes.CouldNotRun;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("chaos: interrupted while starting; nothing was claimed, nothing runs any more");
            return ExitCodes.Interrupted;
        }
    }

    private static RootCommand Create()
    {
        Option<double> minutes = new("--minutes") { Description = "How long faults are made (default 5).", DefaultValueFactory = _ => 5, HelpName = "N" };
        minutes.Validators.Add(result => InRange(result, 0.2, 1_440));
        Option<int?> seed = new("--seed") { Description = "Draws the faults; the same seed draws the same ones. Default: a fresh one, which is printed.", HelpName = "S" };
        Option<string?> faults = new("--faults")
        {
            Description = $"Only these, separated by commas; the word before a dash names all that share it (kill). There are {string.Join(", ", FaultCatalog.All.Select(k => k.Name))}.",
            HelpName = "LIST",
        };
        Option<int> rate = new("--rate") { Description = "Claims a second (default 1000).", DefaultValueFactory = _ => 1_000, HelpName = "N" };
        rate.Validators.Add(result => InRange(result, 10, 20_000));
        Option<string> folder = new("--folder") { Description = "Where the report goes: into a folder of its own below this one.", DefaultValueFactory = _ => ".run/chaos", HelpName = "DIR" };
        Option<int?> port = new("--port") { Description = "Where to look for free ports first.", HelpName = "N" };
        port.Validators.Add(result => InRange(result, 1_024, 60_000));
        var command = new RootCommand(
            "Kills, pauses, empties and rolls back real servers during a sale, then audits it. Exit code: 0 exact, 1 violations, 2 could not run, 130 interrupted.")
        {
            minutes, seed, faults, rate, folder, port,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var drawn = parsed.GetValue(seed) ?? Random.Shared.Next();
            var options = new ChaosOptions
            {
                Duration = TimeSpan.FromMinutes(parsed.GetValue(minutes)),
                Seed = drawn,
                Faults = FaultPlan.Choose(parsed.GetValue(faults)),
                Rate = parsed.GetValue(rate),
                Folder = Path.GetFullPath(Path.Combine(parsed.GetValue(folder)!, $"{TimeProvider.System.GetLocalNow():yyyyMMdd-HHmmss}-seed-{drawn}")),
                FirstPort = parsed.GetValue(port),
            };
            return await new ChaosRun(options, Console.Out).RunAsync(cancel);
        });
        return command;
    }

    private static void InRange(OptionResult result, double lowest, double highest)
    {
        // Values that are no numbers are reported already.
        if (result.Tokens.Count == 1 && double.TryParse(result.Tokens[0].Value, out var value) && !(value >= lowest && value <= highest))
            result.AddError($"{result.Option.Name} must be between {lowest} and {highest}, not {result.Tokens[0].Value}");
    }
}
