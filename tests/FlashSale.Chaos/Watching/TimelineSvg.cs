using FlashSale.Cli.Drawing;

namespace FlashSale.Chaos.Watching;

/// <summary>The timeline as a picture: accepted and decided per second, the lag below, and below that the faults.</summary>
internal static class TimelineSvg
{
    private const string Blue = "#1f6fd0";
    private const string Green = "#2a9d4a";
    private const string Red = "#c0392b";

    public static string Draw(string title, IReadOnlyList<Sample> samples, IReadOnlyList<FaultSpan> faults)
    {
        var seconds = samples.Count > 0 ? samples[^1].Seconds : 0;
        var chart = new TimeChart(title, seconds);
        var accepted = Rates(samples, s => s.Accepted);
        var decided = Rates(samples, s => s.Decided);
        chart.Panel("commands per second", accepted.Concat(decided).Max(p => p.Value) ?? 1, ("accepted", Blue), ("decided", Green));
        chart.Line(accepted, Blue);
        chart.Line(decided, Green);
        chart.Panel("lag: commands accepted and not decided", samples.Select(s => s.Lag).DefaultIfEmpty(1).Max(), ("lag", Red));
        chart.Line(samples.Select(s => (s.Seconds, (double?)s.Lag)), Red);
        chart.Spans("faults, from the blow until what it broke served again", faults.Select(f => (f.Name, f.From, f.To ?? seconds)));
        return chart.ToString();
    }

    private static List<(double Seconds, double? Value)> Rates(IReadOnlyList<Sample> samples, Func<Sample, long> count) =>
        [.. samples.Zip(samples.Skip(1), (a, b) => (b.Seconds, (double?)((count(b) - count(a)) / Math.Max(b.Seconds - a.Seconds, 0.001))))];
}
