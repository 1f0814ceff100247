using System.Globalization;
using System.Net;
using System.Text;

namespace FlashSale.Chaos.Watching;

/// <summary>The timeline as a picture: accepted and decided per second, the lag below, and below that the faults, each on the first line that is free.</summary>
internal static class TimelineSvg
{
    private const int Left = 70;
    private const int Right = 20;
    private const int PanelHeight = 150;
    private const int Gap = 34;
    private const int LaneHeight = 17;
    private const int WidthMin = 900;
    private const double PixelsPerSecond = 6;

    /// <summary>Room that the name of a fault takes, in seconds: about 110 letters of 6 pixels to a lane of 110 seconds.</summary>
    private const double SecondsPerLetter = 1.05;

    public static string Draw(string title, IReadOnlyList<Sample> samples, IReadOnlyList<FaultSpan> faults)
    {
        var seconds = Math.Max(samples.Count > 0 ? samples[^1].Seconds : 0, 1);
        var width = Math.Max(WidthMin, Left + Right + (int)(seconds * PixelsPerSecond));
        double X(double at) => Left + at / seconds * (width - Left - Right);
        var lanes = Lanes(faults, seconds, (width - Left - Right) / seconds / PixelsPerSecond);
        var ratesTop = 44;
        var lagTop = ratesTop + PanelHeight + Gap;
        var faultsTop = lagTop + PanelHeight + Gap;
        var height = faultsTop + lanes.Count * LaneHeight + 40;

        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        Text(svg, Left, 18, title, "#222", 14);
        var accepted = Rates(samples, s => s.Accepted);
        var decided = Rates(samples, s => s.Decided);
        var rateMax = Round(accepted.Concat(decided).Select(p => p.Value).DefaultIfEmpty(1).Max());
        Panel(svg, ratesTop, width, rateMax, "accepted (blue) and decided (green) a second", seconds, X);
        Line(svg, accepted, ratesTop, rateMax, X, "#1f6fd0");
        Line(svg, decided, ratesTop, rateMax, X, "#2a9d4a");
        var lag = samples.Select(s => (s.Seconds, Value: (double)s.Lag)).ToList();
        var lagMax = Round(lag.Select(p => p.Value).DefaultIfEmpty(1).Max());
        Panel(svg, lagTop, width, lagMax, "lag: commands accepted and not decided", seconds, X);
        Line(svg, lag, lagTop, lagMax, X, "#c0392b");
        Text(svg, Left, faultsTop - 8, "faults, from the blow until what it broke served again", "#555");
        foreach (var (fault, lane) in lanes.SelectMany((faultsOfLane, lane) => faultsOfLane.Select(f => (f, lane))))
            Fault(svg, fault, faultsTop + lane * LaneHeight, seconds, X);
        svg.Append("</svg>\n");
        return svg.ToString();
    }

    /// <summary>Puts each fault on the first line where neither it nor its name runs into the one before.</summary>
    private static List<List<FaultSpan>> Lanes(IReadOnlyList<FaultSpan> faults, double seconds, double stretch)
    {
        var lanes = new List<List<FaultSpan>>();
        foreach (var fault in faults.OrderBy(f => f.From))
        {
            var lane = lanes.Find(l => Room(l[^1], seconds, stretch) <= fault.From);
            if (lane is null)
                lanes.Add(lane = []);
            lane.Add(fault);
        }

        return lanes;
    }

    private static double Room(FaultSpan fault, double seconds, double stretch) =>
        Math.Max(fault.To ?? seconds, fault.From + (fault.Name.Length + 2) * SecondsPerLetter / stretch);

    private static List<(double Seconds, double Value)> Rates(IReadOnlyList<Sample> samples, Func<Sample, long> count) =>
        [.. samples.Zip(samples.Skip(1), (a, b) => (b.Seconds, (count(b) - count(a)) / Math.Max(b.Seconds - a.Seconds, 0.001)))];

    private static void Panel(StringBuilder svg, int top, int width, double max, string title, double seconds, Func<double, double> x)
    {
        Text(svg, Left, top - 8, title, "#555");
        for (var part = 0; part <= 2; part++)
        {
            var y = top + PanelHeight - PanelHeight * part / 2;
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{width - Right}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#ddd\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 6}\" y=\"{y + 4}\" fill=\"#555\" text-anchor=\"end\">{max * part / 2:N0}</text>\n");
        }

        var step = seconds > 150 ? 30 : 10;
        for (var at = 0; at <= seconds; at += step)
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x(at):0.0}\" y=\"{top + PanelHeight + 14}\" fill=\"#555\" text-anchor=\"middle\">{at} s</text>\n");
    }

    private static void Line(StringBuilder svg, IEnumerable<(double Seconds, double Value)> points, int top, double max, Func<double, double> x, string colour)
    {
        svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"");
        foreach (var (at, value) in points)
            svg.Append(CultureInfo.InvariantCulture, $"{x(at):0.0},{top + PanelHeight * (1 - Math.Clamp(value / max, 0, 1)):0.0} ");
        svg.Append("\"/>\n");
    }

    private static void Fault(StringBuilder svg, FaultSpan fault, int y, double seconds, Func<double, double> x)
    {
        var from = x(fault.From);
        var length = Math.Max(x(fault.To ?? seconds) - from, 2);
        svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{from:0.0}\" y=\"{y}\" width=\"{length:0.0}\" height=\"{LaneHeight - 3}\" fill=\"#f0c36d\"/>\n");
        Text(svg, (int)from + 3, y + 11, fault.Name, "#333");
    }

    private static void Text(StringBuilder svg, int x, int y, string text, string colour, int size = 11) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\" font-size=\"{size}\">{WebUtility.HtmlEncode(text)}</text>\n");

    /// <summary>The next of 1, 2, 5, 10, 20, 50 ...: a scale that can be read.</summary>
    private static double Round(double max)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(max, 1))));
        return new[] { 1.0, 2, 5, 10 }.Select(f => f * power).First(v => v >= max);
    }
}
