using FlashSale.Chaos.Watching;

namespace FlashSale.Measure.Report;

/// <summary>Draws pictures of what was measured over time, and of what a claim costs.</summary>
internal static class PictureSvg
{
    private const int Width = 900;
    private const int BarHeight = 26;
    private const int BarGap = 12;
    private const int NameWidth = 150;

    private static readonly string[] Colours = ["#1f6fd0", "#c0392b", "#2a9d4a", "#8e5bb5"];

    public static string Draw(Picture picture)
    {
        var seconds = Math.Max(picture.Panels.SelectMany(p => p.Lines).SelectMany(l => l.Seconds).DefaultIfEmpty(1).Max(), 1);
        var svg = SvgPlot.Begin(picture.Title, Width, SvgPlot.FirstTop + picture.Panels.Count * (SvgPlot.PanelHeight + SvgPlot.Gap));
        double X(double at) => SvgPlot.Left + at / seconds * (Width - SvgPlot.Left - SvgPlot.Right);
        for (var i = 0; i < picture.Panels.Count; i++)
        {
            var panel = picture.Panels[i];
            var top = SvgPlot.FirstTop + i * (SvgPlot.PanelHeight + SvgPlot.Gap);
            var max = SvgPlot.Round(panel.Lines.SelectMany(l => l.Values).DefaultIfEmpty(1).Max());
            SvgPlot.Panel(svg, top, Width, max, panel.Title, seconds, X);
            for (var line = 0; line < panel.Lines.Count; line++)
                SvgPlot.Line(svg, panel.Lines[line].Seconds.Zip(panel.Lines[line].Values), top, max, X, Colours[line % Colours.Length]);
        }

        return SvgPlot.End(svg);
    }

    /// <summary>A bar for each process, its own code and the kernel's in two colours.</summary>
    public static string Draw(string title, IReadOnlyList<CpuShare> profile)
    {
        var svg = SvgPlot.Begin(title, Width, SvgPlot.FirstTop + profile.Count * (BarHeight + BarGap));
        var scale = (Width - NameWidth - 200) / Math.Max(profile.Select(p => p.Total).DefaultIfEmpty(1).Max(), 1);
        for (var i = 0; i < profile.Count; i++)
        {
            var (share, top) = (profile[i], SvgPlot.FirstTop + i * (BarHeight + BarGap) - 10);
            SvgPlot.Text(svg, 10, top + 17, share.Process, "#333", 12);
            Bar(NameWidth, share.User, Colours[0]);
            Bar(NameWidth + share.User * scale, share.System, "#9dbfe8");
            SvgPlot.Text(svg, (int)(NameWidth + share.Total * scale) + 8, top + 17, FormattableString.Invariant($"{share.Total:F1} µs, {share.System:F1} of it in the kernel"), "#555");

            void Bar(double x, double microseconds, string colour) => svg.Append(System.Globalization.CultureInfo.InvariantCulture,
                $"<rect x=\"{x:0.0}\" y=\"{top}\" width=\"{microseconds * scale:0.0}\" height=\"{BarHeight}\" fill=\"{colour}\"/>\n");
        }

        return SvgPlot.End(svg);
    }
}
