using System.CommandLine;
using FlashSale.Chaos;
using FlashSale.Measure.Rows;
using FlashSale.Measure.Running;
using FlashSale.Measure.Twins;

namespace FlashSale.Measure;

/// <summary>The command line of measuring; <c>scripts/measure.sh</c> starts the servers and calls it.</summary>
internal static class MeasureCommand
{
    /// <summary>After Ctrl-C: enough to end every process and to print what was so far.</summary>
    private static readonly TimeSpan TerminationTimeout = TimeSpan.FromSeconds(60);

    public static async Task<int> RunAsync(string[] args)
    {
        if (args is [DoorTwinNode.Command, var url])
            return await DoorTwin.RunAsync(url);
        var parsed = Create().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            await Console.Error.WriteLineAsync($"measure: {Cli.ParseErrors.Describe(parsed.Errors[0])} (see --help)");
            return ExitCodes.CouldNotRun;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TerminationTimeout });
        }
        catch (Exception e) when (e is MeasureException or ChaosException or Core.Ledger.LedgerUnavailableException)
        {
            await Console.Error.WriteLineAsync($"measure: {e.Message}");
            return ExitCodes.CouldNotRun;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("measure: interrupted while starting; nothing was measured, nothing runs any more");
            return ExitCodes.Interrupted;
        }
    }

    private static RootCommand Create()
    {
        Option<bool> quick = new("--quick") { Description = "Short rounds: shows that it works. The published page stays as it is." };
        Option<string?> only = new("--only") { Description = $"Only these rows, separated by commas: {string.Join(", ", RowList.All.Select(r => r.Name))} (engines: only if named, as it needs a build with Streamiz).", HelpName = "NAMES" };
        Option<string> folder = new("--folder") { Description = "Where logs, results and this run's own page go.", DefaultValueFactory = _ => ".run/measure/report", HelpName = "DIR" };
        Option<string?> page = new("--page") { Description = "The page that a full run renews.", HelpName = "FILE" };
        Option<int> spent = new("--spent") { Description = "Seconds that the build and the start of the servers took: they are part of the time that a run may take.", HelpName = "SECONDS" };
        Option<bool> announce = new("--announce") { Description = "Only says what would be measured: before servers are started for it." };
        var command = new RootCommand("Measures the goal table: ours beside twins. Exit code: 0 measured, 1 a row could not be, 2 could not run, 130 interrupted.") { quick, only, folder, page, spent, announce };
        command.SetAction(async (parsed, cancel) =>
        {
            var isQuick = parsed.GetValue(quick);
            var (rows, plan) = (Choose(parsed.GetValue(only)), isQuick ? Plan.Quick : Plan.Full);
            if (parsed.GetValue(announce))
            {
                await Console.Out.WriteLineAsync(
                    $"measure: {string.Join(", ", rows.Select(r => r.Name))}: about {plan.Minutes(rows):0} minutes{(isQuick ? "; quick: shows that it works, its figures mean little" : "")}");
                return ExitCodes.Ok;
            }

            var run = new MeasureRun(rows, plan, Stack.FromEnvironment(), TimeSpan.FromSeconds(parsed.GetValue(spent)),
                Path.GetFullPath(parsed.GetValue(folder)!), isQuick || parsed.GetValue(page) is not { } file ? null : Path.GetFullPath(file), Console.Out);
            return await run.RunAsync(cancel);
        });
        return command;
    }

    private static IReadOnlyList<IRow> Choose(string? names)
    {
        if (names is null)
            return RowList.Usual;
        var wanted = names.Split(',', StringSplitOptions.TrimEntries);
        return Array.Find(wanted, w => RowList.All.All(r => r.Name != w)) is { } unknown
            ? throw new MeasureException($"there is no row '{unknown}'; there are {string.Join(", ", RowList.All.Select(r => r.Name))}")
            : [.. RowList.All.Where(r => wanted.Contains(r.Name))];
    }
}
