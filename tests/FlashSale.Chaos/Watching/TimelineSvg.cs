using System.Globalization;
using System.Text;
using static FlashSale.Chaos.Watching.SvgPlot;

namespace FlashSale.Chaos.Watching;

/// <summary>The timeline as a picture: accepted and decided per second, the lag below, and below that the faults, each on the first line that is free.</summary>
internal static class TimelineSvg
{
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
        var ratesTop = FirstTop;
        var lagTop = ratesTop + PanelHeight + Gap;
        var faultsTop = lagTop + PanelHeight + Gap;
        var height = faultsTop + lanes.Count * LaneHeight + 40;

        var svg = Begin(title, width, height);
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
        return End(svg);
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

    private static void Fault(StringBuilder svg, FaultSpan fault, int y, double seconds, Func<double, double> x)
    {
        var from = x(fault.From);
        var length = Math.Max(x(fault.To ?? seconds) - from, 2);
        svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{from:0.0}\" y=\"{y}\" width=\"{length:0.0}\" height=\"{LaneHeight - 3}\" fill=\"#f0c36d\"/>\n");
        Text(svg, (int)from + 3, y + 11, fault.Name, "#333");
    }
}
