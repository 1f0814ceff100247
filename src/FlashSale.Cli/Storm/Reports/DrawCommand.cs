using System.CommandLine;

namespace FlashSale.Cli.Storm.Reports;

/// <summary>flashsale storm draw</summary>
internal static class DrawCommand
{
    public static Command Create()
    {
        var report = new Argument<string>("REPORT") { Description = "Report that --json has written." };
        var svg = new Option<string>("--svg") { Description = "The picture, as SVG.", HelpName = "FILE", Required = true };
        var command = new ExampleCommand("draw", "Draws rate and latency over time from a stored report.", "flashsale storm draw storm.json --svg storm.svg")
        {
            report,
            svg,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            StormReport stored = await ReportFile.ReadAsync(parsed.GetRequiredValue(report), cancellation);
            string file = parsed.GetRequiredValue(svg);
            SharedOptions.CheckWritable("--svg", file);
            await File.WriteAllTextAsync(file, StormSvg.Draw(stored), cancellation);
            return ExitCodes.Ok;
        });
        return command;
    }
}
