using System.Globalization;
using System.Text;
using FlashSale.Cli.Drawing;

namespace FlashSale.Measure.Report;

/// <summary>Draws pictures of what was measured over time, and of what a claim costs.</summary>
internal static class PictureSvg
{
    private const int Width = 900;
    private const int BarHeight = 26;
    private const int BarGap = 12;
    private const int BarsTop = 36;
    private const int NameAt = 10;
    private const int NameWidth = 150;

    private static readonly string[] Colours = ["#1f6fd0", "#c0392b", "#2a9d4a", "#8e5bb5"];

    public static string Draw(Picture picture)
    {
        var chart = new TimeChart(picture.Title, picture.Panels.SelectMany(p => p.Lines).SelectMany(l => l.Seconds).DefaultIfEmpty(1).Max());
        foreach (var panel in picture.Panels)
        {
            chart.Panel(panel.Title, panel.Lines.SelectMany(l => l.Values).DefaultIfEmpty(1).Max(),
                panel.Lines.Count > 1 ? [.. panel.Lines.Select((l, i) => (l.Name, Colours[i % Colours.Length]))] : []);
            for (var line = 0; line < panel.Lines.Count; line++)
                chart.Line(panel.Lines[line].Seconds.Zip(panel.Lines[line].Values, (second, value) => (second, (double?)value)), Colours[line % Colours.Length]);
        }

        return chart.ToString();
    }

    /// <summary>A bar for each process, its own code and the kernel's in two colours.</summary>
    public static string Draw(string title, IReadOnlyList<CpuShare> profile)
    {
        var bars = new StringBuilder();
        var scale = (Width - NameWidth - 200) / Math.Max(profile.Select(p => p.Total).DefaultIfEmpty(1).Max(), 1);
        for (var i = 0; i < profile.Count; i++)
        {
            var (share, top) = (profile[i], BarsTop + i * (BarHeight + BarGap));
            Text(NameAt, top, share.Process);
            Bar(NameWidth, top, share.User * scale, Colours[0]);
            Bar(NameWidth + share.User * scale, top, share.System * scale, "#9dbfe8");
            Text(NameWidth + share.Total * scale + 8, top, FormattableString.Invariant($"{share.Total:F1} µs, {share.System:F1} of it in the kernel"));
        }

        return Svg.Page(title, Width, BarsTop + profile.Count * (BarHeight + BarGap), NameAt, bars);

        void Text(double x, int top, string text) =>
            bars.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0.0}\" y=\"{top + 17}\" fill=\"#333\">{text}</text>\n");

        void Bar(double x, int top, double width, string colour) =>
            bars.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x:0.0}\" y=\"{top}\" width=\"{width:0.0}\" height=\"{BarHeight}\" fill=\"{colour}\"/>\n");
    }
}
