using System.Globalization;
using System.Net;
using System.Text;

namespace FlashSale.Chaos.Watching;

/// <summary>Pieces of pictures: panels of lines over one axis of seconds.</summary>
internal static class SvgPlot
{
    public const int Left = 70;
    public const int Right = 20;
    public const int PanelHeight = 150;

    /// <summary>From the end of a panel to the beginning of the next one: its axis, and the next one's title.</summary>
    public const int Gap = 34;

    /// <summary>Top of the first panel: the picture's title stands above it.</summary>
    public const int FirstTop = 44;

    public static StringBuilder Begin(string title, int width, int height)
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        Text(svg, Left, 18, title, "#222", 14);
        return svg;
    }

    public static string End(StringBuilder svg) => svg.Append("</svg>\n").ToString();

    public static void Panel(StringBuilder svg, int top, int width, double max, string title, double seconds, Func<double, double> x)
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

    public static void Line(StringBuilder svg, IEnumerable<(double Seconds, double Value)> points, int top, double max, Func<double, double> x, string colour)
    {
        svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"");
        foreach (var (at, value) in points)
            svg.Append(CultureInfo.InvariantCulture, $"{x(at):0.0},{top + PanelHeight * (1 - Math.Clamp(value / max, 0, 1)):0.0} ");
        svg.Append("\"/>\n");
    }

    public static void Text(StringBuilder svg, int x, int y, string text, string colour, int size = 11) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\" font-size=\"{size}\">{WebUtility.HtmlEncode(text)}</text>\n");

    /// <summary>The next of 1, 2, 5, 10, 20, 50 ...: a scale that can be read.</summary>
    public static double Round(double max)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(max, 1))));
        return new[] { 1.0, 2, 5, 10 }.Select(f => f * power).First(v => v >= max);
    }
}
