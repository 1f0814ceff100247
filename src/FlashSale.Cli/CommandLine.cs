using System.CommandLine;
using System.CommandLine.Parsing;
using FlashSale.Cli.Audit;
using FlashSale.Cli.Campaigns;
using FlashSale.Cli.Log;
using FlashSale.Cli.Storm;
using FlashSale.Core.Engine;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.Cli;

/// <summary>Puts the commands together and turns what goes wrong into one line and an exit code.</summary>
internal static class CommandLine
{
    // After Ctrl-C: enough to print the report of an interrupted storm.
    private static readonly TimeSpan TerminationTimeout = TimeSpan.FromSeconds(10);

    public static RootCommand Create()
    {
        var root = new RootCommand("FlashSale: coupons for a rush of people, exactly as many as there are.")
        {
            StormCommand.Create(),
            CampaignCommand.Create(),
            CatCommand.Create(),
            AuditCommand.Create(),
        };
        ExamplesHelp.AddTo(root);
        return root;
    }

    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error, CancellationToken cancellation = default)
    {
        ParseResult parsed = Create().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            await error.WriteLineAsync($"flashsale: {DescribeError(parsed)} (see: {PathOf(parsed)} --help)");
            return ExitCodes.CouldNotRun;
        }
        var configuration = new InvocationConfiguration
        {
            Output = output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TerminationTimeout,
        };
        try
        {
            return await parsed.InvokeAsync(configuration, cancellation);
        }
        catch (CliException e)
        {
            await error.WriteLineAsync($"flashsale: {e.Message}");
            return ExitCodes.CouldNotRun;
        }
        catch (Exception e) when (e is LogUnavailableException or LogRefusedException or LedgerUnavailableException or StoreUnavailableException)
        {
            await error.WriteLineAsync($"flashsale: {e.Message}");
            return ExitCodes.CouldNotRun;
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync("flashsale: interrupted");
            return ExitCodes.Interrupted;
        }
    }

    private static string DescribeError(ParseResult parsed)
    {
        // A misspelt command is also a missing one; the word itself helps more.
        string? stray = parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : null;
        ParseError told = parsed.Errors.FirstOrDefault(e => stray is not null && e.Message.Contains(stray, StringComparison.Ordinal)) ?? parsed.Errors[0];
        return ParseErrors.Describe(told);
    }

    private static string PathOf(ParseResult parsed)
    {
        string path = "";
        for (var result = parsed.CommandResult; result is not null; result = result.Parent as CommandResult)
            path = result.Command is RootCommand ? "flashsale" + path : $" {result.Command.Name}{path}";
        return path;
    }
}
