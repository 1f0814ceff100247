using System.CommandLine;

namespace FlashSale.Cli.Storm.Reports;

/// <summary>flashsale storm compare</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var before = new Argument<string>("BEFORE") { Description = "Report that --json has written." };
        var after = new Argument<string>("AFTER") { Description = "Another one." };
        var command = new ExampleCommand(
            "compare",
            "Puts two reports side by side, with the ratio of each figure. It only tells; exit code: 0, or 2 if a report cannot be read.",
            "flashsale storm compare before.json after.json")
        {
            before,
            after,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string a = parsed.GetRequiredValue(before), b = parsed.GetRequiredValue(after);
            StormReport first = await ReportFile.ReadAsync(a, cancellation), second = await ReportFile.ReadAsync(b, cancellation);
            await parsed.InvocationConfiguration.Output.WriteAsync(ReportComparison.Format(a, first, b, second));
            return ExitCodes.Ok;
        });
        return command;
    }
}
