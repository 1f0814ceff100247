using System.CommandLine;
using FlashSale.Cli.Ledger;
using FlashSale.Cli.Storm.Ceiling;
using FlashSale.Cli.Storm.Reports;
using FlashSale.Cli.Storm.Searching;
using FlashSale.MySql;
using Spectre.Console;

namespace FlashSale.Cli.Storm;

/// <summary>flashsale storm</summary>
internal static class StormCommand
{
    public static Command Create()
    {
        var options = new StormCommandOptions();
        Option<string?> ledger = LedgerConnection.Option();
        var command = new ExampleCommand(
            "storm",
            "Claims coupons in open loop: claims are sent when they are due, whatever became of the earlier ones. Then asks for every "
            + "decision and says whether the sale was exact. Exit code: 0 exact, 1 not exact or slower than --p99, 2 could not run, 130 interrupted.",
            "flashsale storm --campaign spring --open-quantity 1000 --users 50000 --rate 10000",
            "flashsale storm --campaign spring --open-quantity 1000000 --rate 10000 --duration 60 --warm-up 10 --json storm.json --svg storm.svg",
            "flashsale storm --campaign spring --open-quantity 1000 --users 50000 --profile spike",
            "flashsale storm --campaign spring --open-quantity 10000000 --find-rate --p99 25",
            "flashsale storm --campaign spring --open-quantity 10000000 --closed-loop 64 --duration 20 --warm-up 5",
            "flashsale storm --campaign a --campaign b --open-quantity 500 --users 20000 --rate 5000 --url http://127.0.0.1:8080 --url http://127.0.0.1:8081",
            "flashsale storm --campaign spring --open-quantity 40000 --users 60000 --rate 5000 --retry-unknown   (while the server is being killed)",
            "flashsale storm compare before.json after.json")
        {
            CompareCommand.Create(),
            DrawCommand.Create(),
            CeilingCommand.Create(),
            TwinCommand.Create(),
        };
        options.AddTo(command);
        command.Options.Add(ledger);
        command.SetAction(async (parsed, cancellation) =>
        {
            using MySqlLedger? database = LedgerConnection.Open(parsed, ledger);
            ILedgerCheck? check = database is null ? null : new LedgerCheck(new LedgerQueries(database), TimeProvider.System);
            return await RunAsync(parsed, options, check, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, StormCommandOptions commandOptions, ILedgerCheck? ledger, CancellationToken cancellation)
    {
        TextWriter output = parsed.InvocationConfiguration.Output;
        StormOptions options = commandOptions.Read(parsed);
        SharedOptions.CheckWritable("--json", options.JsonFile);
        SharedOptions.CheckWritable("--svg", options.SvgFile);
        SharedOptions.CheckWritable("--told", options.ToldFile);
        CeilingRow? ceiling = options.Ceiling ? await CeilingRun.MeasureAsync(options.ClosedLoop ?? CeilingRun.Connections, options.Http2, cancellation) : null;
        StormReport report = commandOptions.ReadSearch(parsed, options) is { } search
            ? await new RateSearchRun(options, search, CreateView, ledger, output, TimeProvider.System).RunAsync(cancellation)
            : await new StormRun(options, CreateView(output), ledger, TimeProvider.System).RunAsync(cancellation);
        report = report with { Ceiling = ceiling };
        await output.WriteAsync(StormReportText.Format(report));
        if (options.JsonFile is not null)
            await ReportFile.WriteAsync(options.JsonFile, report);
        if (options.SvgFile is not null)
            await File.WriteAllTextAsync(options.SvgFile, StormSvg.Draw(report), CancellationToken.None);
        return ExitCodeOf(report);
    }

    private static int ExitCodeOf(StormReport report)
    {
        if (report.Interrupted)
            return ExitCodes.Interrupted;
        bool fast = report.RateSearch is { } search ? search.Rate is not null : report.WithinP99 != false;
        return report.Verdict is { Exact: true } && fast ? ExitCodes.Ok : ExitCodes.NotExact;
    }

    private static IProgressView CreateView(TextWriter output)
    {
        bool terminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;
        return terminal ? new LiveProgress(AnsiConsole.Console) : new LineProgress(output);
    }
}
