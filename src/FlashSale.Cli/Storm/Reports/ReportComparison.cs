using System.Text;

namespace FlashSale.Cli.Storm.Reports;

/// <summary>One figure of two reports; null where a report has not got it.</summary>
internal sealed record ComparedFigure(string Name, double? Before, double? After)
{
    /// <summary>After to before; null where that means nothing.</summary>
    public double? Ratio => Before > 0 ? After / Before : null;
}

/// <summary>Two reports side by side.</summary>
internal static class ReportComparison
{
    public static string Format(string nameBefore, StormReport before, string nameAfter, StormReport after)
    {
        var text = new StringBuilder();
        text.AppendLine($"before  {Describe(nameBefore, before)}");
        text.AppendLine($"after   {Describe(nameAfter, after)}");
        if (before.Machine != after.Machine)
            text.AppendLine("NOTE: not the same machine or runtime; ratios say little");
        if (before.Load != after.Load || before.RateIntended != after.RateIntended)
            text.AppendLine("NOTE: not the same load; latencies are not comparable");
        text.AppendLine();
        text.AppendLine($"  {"",-40}{"before",14}{"after",14}{"ratio",9}");
        foreach (ComparedFigure figure in Figures(before, after))
            text.AppendLine($"  {figure.Name,-40}{Show(figure.Before, "N1"),14}{Show(figure.After, "N1"),14}{Show(figure.Ratio, "0.00"),9}");
        return text.ToString();
    }

    /// <summary>All figures that at least one of the two has.</summary>
    public static IEnumerable<ComparedFigure> Figures(StormReport before, StormReport after)
    {
        yield return new ComparedFigure("claims sent/s", before.RateAchieved, after.RateAchieved);
        yield return new ComparedFigure("accepted/s", before.AcceptedPerSecond, after.AcceptedPerSecond);
        yield return new ComparedFigure("refused at the door/s", before.RefusedPerSecond, after.RefusedPerSecond);
        yield return new ComparedFigure("unknown", before.Unknown, after.Unknown);
        if (before.RateSearch is not null || after.RateSearch is not null)
            yield return new ComparedFigure("highest rate within the limit", before.RateSearch?.Rate, after.RateSearch?.Rate);
        foreach (string row in (string[])[LatencyRow.Accepted, LatencyRow.RefusedAtDoor, LatencyRow.Decided, LatencyRow.Behind])
        {
            LatencyRow? a = Find(before, row), b = Find(after, row);
            if (a is null && b is null)
                continue;
            yield return new ComparedFigure($"{row}, p50 ms", a?.P50, b?.P50);
            yield return new ComparedFigure($"{row}, p95 ms", a?.P95, b?.P95);
            yield return new ComparedFigure($"{row}, p99 ms", a?.P99, b?.P99);
            yield return new ComparedFigure($"{row}, p99.9 ms", a?.P999, b?.P999);
            yield return new ComparedFigure($"{row}, max ms", a?.Max, b?.Max);
        }
        yield return new ComparedFigure("generator, us of CPU per request", before.Generator.CpuMicrosecondsPerRequest, after.Generator.CpuMicrosecondsPerRequest);
        if (before.Ceiling is not null || after.Ceiling is not null)
            yield return new ComparedFigure("generator's ceiling, claims/s", before.Ceiling?.PerSecond, after.Ceiling?.PerSecond);
    }

    private static LatencyRow? Find(StormReport report, string row) => report.LatenciesMilliseconds.FirstOrDefault(l => l.Name == row && l.Count > 0);

    private static string Describe(string name, StormReport report) =>
        $"{name}: {report.StartedAt:yyyy-MM-dd HH:mm:ss}, {report.Load.Profile}, {report.Offered:N0} claims, {report.Verdict?.Line ?? "INTERRUPTED"}";

    private static string Show(double? value, string format) => value?.ToString(format) ?? "-";
}
