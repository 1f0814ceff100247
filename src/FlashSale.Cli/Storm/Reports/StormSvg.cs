using FlashSale.Cli.Drawing;

namespace FlashSale.Cli.Storm.Reports;

/// <summary>A storm as a picture: the rates above, the latencies of every second below.</summary>
internal static class StormSvg
{
    // Latencies below a tenth of a millisecond are shown as such.
    private const double MillisecondsMin = 0.1;

    // Those that may lie on each other later ones cover.
    private static readonly (string Name, string Colour, Func<SecondRow, long> Count)[] Rates =
    [
        ("sent", "#999999", r => r.Offered),
        ("decisions learnt", "#2a9d4a", r => r.Decided),
        ("refused at the door", "#e07b1a", r => r.RefusedAtDoor),
        ("accepted", "#1f6fd0", r => r.Accepted),
        ("unknown", "#c0392b", r => r.Unknown),
    ];

    private static readonly (string Name, string Colour, Func<SecondRow, double?> Milliseconds)[] Latencies =
    [
        ("decision p50", "#a5d8b3", r => r.DecidedP50),
        ("decision p99", "#2a9d4a", r => r.DecidedP99),
        ("refusal p50", "#f3c896", r => r.RefusedP50),
        ("refusal p99", "#e07b1a", r => r.RefusedP99),
        ("202 p50", "#8ab8ee", r => r.AcceptedP50),
        ("202 p99", "#1f6fd0", r => r.AcceptedP99),
    ];

    public static string Draw(StormReport report)
    {
        IReadOnlyList<SecondRow> rows = report.Seconds;
        var chart = new TimeChart(Title(report), rows.Count);
        DrawRates(chart, rows);
        ShadeWarmUp(chart, report);
        DrawLatencies(chart, rows);
        ShadeWarmUp(chart, report);
        if (report.Load.P99LimitMilliseconds is { } limit)
            chart.Limit(limit, $"limit {limit:0.##} ms");
        return chart.ToString();
    }

    private static void DrawRates(TimeChart chart, IReadOnlyList<SecondRow> rows)
    {
        var shown = Rates.Where(rate => rows.Any(row => rate.Count(row) > 0)).ToList();
        double max = rows.SelectMany(row => shown.Select(rate => (double)rate.Count(row))).DefaultIfEmpty(1).Max();
        chart.Panel("claims per second", max, [.. shown.Select(rate => (rate.Name, rate.Colour))]);
        foreach ((_, string colour, Func<SecondRow, long> count) in shown)
            chart.Steps(rows.Select(row => ((double)row.Second, (double)count(row))), length: 1, colour);
    }

    private static void DrawLatencies(TimeChart chart, IReadOnlyList<SecondRow> rows)
    {
        var shown = Latencies.Where(latency => rows.Any(row => latency.Milliseconds(row) is not null)).ToList();
        double[] all = [.. rows.SelectMany(row => shown.Select(latency => latency.Milliseconds(row))).OfType<double>().DefaultIfEmpty(1).Select(ms => Math.Max(ms, MillisecondsMin))];
        chart.LogPanel("latency, ms", all.Min(), all.Max(), [.. shown.Select(latency => (latency.Name, latency.Colour))]);
        // A point stands in the middle of its second.
        foreach ((_, string colour, Func<SecondRow, double?> milliseconds) in shown)
            chart.Line(rows.Select(row => (row.Second + 0.5, milliseconds(row))), colour);
    }

    private static void ShadeWarmUp(TimeChart chart, StormReport report)
    {
        if (report.WarmUpSeconds > 0)
            chart.Shade(0, Math.Min(report.WarmUpSeconds, report.Seconds.Count), "warm-up");
    }

    private static string Title(StormReport report)
    {
        string load = report.Load.ClosedLoop is { } callers ? $"{callers:N0} callers in a closed loop" : $"{report.Load.Profile}, up to {report.RateIntended:N0} claims/s";
        return $"storm of {report.StartedAt:yyyy-MM-dd HH:mm}: {load}; {report.Accepted:N0} accepted, {report.RefusedAtDoor:N0} refused at the door"
            + (report.Interrupted ? "; interrupted" : report.Verdict is { Exact: true } ? "; exact" : "; NOT EXACT");
    }
}
