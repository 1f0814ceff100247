using FlashSale.Cli.Drawing;

namespace FlashSale.Cli.Storm.Reports;

/// <summary>A storm as a picture: the rates above, the latencies of every second below.</summary>
internal static class StormSvg
{
    private const string Grey = "#999999";
    private const string Blue = "#1f6fd0";
    private const string LightBlue = "#8ab8ee";
    private const string Orange = "#e07b1a";
    private const string Green = "#2a9d4a";
    private const string Red = "#c0392b";

    public static string Draw(StormReport report)
    {
        IReadOnlyList<SecondRow> rows = report.Seconds;
        var chart = new TimeChart(Title(report), rows.Count);
        chart.Panel(
            "claims per second", rows.Select(r => (double)Math.Max(r.Offered, Math.Max(r.Accepted, Math.Max(r.RefusedAtDoor, r.Decided)))).DefaultIfEmpty(1).Max(),
            ("sent", Grey), ("accepted", Blue), ("refused at the door", Orange), ("decisions learnt", Green), ("unknown", Red));
        ShadeWarmUp();
        Counts(r => r.Offered, Grey);
        Counts(r => r.Decided, Green);
        Counts(r => r.RefusedAtDoor, Orange);
        Counts(r => r.Accepted, Blue);
        if (report.Unknown + report.Unexpected > 0)
            Counts(r => r.Unknown, Red);

        double longest = rows.Select(r => Math.Max(r.AcceptedP99 ?? 0, Math.Max(r.RefusedP99 ?? 0, r.DecidedP99 ?? 0))).DefaultIfEmpty(1).Max();
        chart.Panel(
            "latency, ms", Math.Max(longest, 0.1),
            ("202 p50", LightBlue), ("202 p99", Blue), ("refusal p99", Orange), ("decision p99", Green));
        ShadeWarmUp();
        if (report.Load.P99LimitMilliseconds is { } limit)
            chart.Limit(limit, $"limit {limit:0.##} ms");
        Latencies(r => r.DecidedP99, Green);
        Latencies(r => r.RefusedP99, Orange);
        Latencies(r => r.AcceptedP50, LightBlue);
        Latencies(r => r.AcceptedP99, Blue);
        return chart.ToString();

        void ShadeWarmUp()
        {
            if (report.WarmUpSeconds > 0)
                chart.Shade(0, Math.Min(report.WarmUpSeconds, rows.Count), "warm-up");
        }

        // A point stands in the middle of its second.
        void Counts(Func<SecondRow, long> value, string colour) => chart.Line(rows.Select(r => (r.Second + 0.5, (double?)value(r))), colour);

        void Latencies(Func<SecondRow, double?> value, string colour) => chart.Line(rows.Select(r => (r.Second + 0.5, value(r))), colour);
    }

    private static string Title(StormReport report)
    {
        string load = report.Load.ClosedLoop is { } callers ? $"{callers:N0} callers in a closed loop" : $"{report.Load.Profile}, up to {report.RateIntended:N0} claims/s";
        return $"storm of {report.StartedAt:yyyy-MM-dd HH:mm}: {load}; {report.Accepted:N0} accepted, {report.RefusedAtDoor:N0} refused at the door"
            + (report.Interrupted ? "; interrupted" : report.Verdict is { Exact: true } ? "; exact" : "; NOT EXACT");
    }
}
