using System.Text;
using System.Text.Json;
using FlashSale.Chaos.Watching;

namespace FlashSale.Chaos.Reporting;

/// <summary>Writes a report: as text, as JSON, and the timeline as a picture.</summary>
internal static class ReportFiles
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task WriteAsync(ChaosReport report, string folder)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "report.json"), JsonSerializer.Serialize(report, Json));
        await File.WriteAllTextAsync(Path.Combine(folder, "report.txt"), Text(report));
        var title = $"chaos, seed {report.Seed}: {report.Faults.Count} faults, {report.Accepted:N0} commands accepted, {Verdict(report)}";
        await File.WriteAllTextAsync(Path.Combine(folder, "timeline.svg"), TimelineSvg.Draw(title, report.Samples, report.Faults));
    }

    public static string Text(ChaosReport report)
    {
        var text = new StringBuilder();
        text.AppendLine($"seed {report.Seed}, {report.Minutes:0.##} minutes, {report.Rate:N0} claims/s, {report.Faults.Count} faults of {report.Plan.Count} planned");
        foreach (var kind in report.Faults.CountBy(f => f.Name).OrderBy(k => k.Key, StringComparer.Ordinal))
            text.AppendLine($"  {kind.Value,3} {kind.Key}");
        foreach (var reason in report.LeftOut)
            text.AppendLine($"left out: {reason}");
        text.AppendLine($"commands accepted {report.Accepted:N0}, decided {report.Decided:N0}, highest lag {report.LagMax:N0}");
        if (report.Storm is { } storm)
            text.AppendLine($"callers: {storm.Offered:N0} claims, {storm.Accepted:N0} told accepted, {storm.Decided:N0} told the decision, {storm.Unknown:N0} without an answer");
        if (report.RecoveredSeconds is { } seconds)
            text.AppendLine($"lag 0 in decisions and ledger {seconds:0.0} s after the last fault and claim");
        foreach (var violation in report.Violations)
            text.AppendLine($"violation: {violation}");
        text.AppendLine(Verdict(report));
        return text.ToString();
    }

    private static string Verdict(ChaosReport report) => report switch
    {
        { Interrupted: true } => "INTERRUPTED: not checked",
        { Violations.Count: 0 } => "EXACT: no violations",
        _ => $"NOT EXACT: {report.Violations.Count} violations",
    };
}
