using System.Globalization;
using System.Net;
using System.Text;

namespace FlashSale.Cli.Drawing;

/// <summary>
/// A picture in SVG of panels one below the other over one axis of time. Panels are added from the top; what is drawn after a panel
/// lies in it. Points in time are in seconds from the left edge on; points whose value is missing break a line.
/// </summary>
internal sealed class TimeChart(string title, double seconds)
{
    private const int Left = 70;
    private const int Right = 20;
    private const int TitleHeight = 44;
    private const int PanelHeight = 150;
    private const int Gap = 40;
    private const int LegendMark = 14;
    private const int WidthMin = 900;
    private const int WidthMax = 6000;
    private const double PixelsPerSecond = 6;

    // About what a letter of 11 pixels height takes.
    private const double LetterWidth = 5.5;

    private readonly StringBuilder _content = new();
    private readonly double _seconds = Math.Max(seconds, 1);
    private readonly int _width = (int)Math.Clamp(Left + Right + (seconds * PixelsPerSecond), WidthMin, WidthMax);
    private int _bottom = TitleHeight;
    private int _panelTop;
    private double _panelMax = 1;

    // The lowest value of a logarithmic panel; 0: the panel is linear, from 0 on.
    private double _panelMin;

    /// <summary>Pixels that a second takes.</summary>
    public double SecondWidth => (_width - Left - Right) / _seconds;

    /// <summary>Adds a panel from 0 to at least <paramref name="max"/>, with its lines named in their colours.</summary>
    public void Panel(string name, double max, params IReadOnlyList<(string Name, string Colour)> legend)
    {
        _panelMin = 0;
        _panelMax = RoundUp(max);
        StartPanel(name, legend, [.. Enumerable.Range(0, 5).Select(part => _panelMax * part / 4)]);
    }

    /// <summary>Adds a panel whose values are spread by their logarithms, over whole powers of ten; both bounds are above 0.</summary>
    public void LogPanel(string name, double min, double max, params IReadOnlyList<(string Name, string Colour)> legend)
    {
        int low = (int)Math.Floor(Math.Log10(min) + 1e-9), high = Math.Max((int)Math.Ceiling(Math.Log10(max) - 1e-9), low + 1);
        _panelMin = Math.Pow(10, low);
        _panelMax = Math.Pow(10, high);
        StartPanel(name, legend, [.. Enumerable.Range(low, high - low + 1).Select(power => Math.Pow(10, power))]);
    }

    /// <summary>A line through these points.</summary>
    public void Line(IEnumerable<(double Second, double? Value)> points, string colour)
    {
        var run = new List<string>();
        foreach ((double second, double? value) in points)
        {
            if (value is { } known)
                run.Add(string.Create(CultureInfo.InvariantCulture, $"{X(second):0.0},{Y(known):0.0}"));
            else
                Flush();
        }
        Flush();

        void Flush()
        {
            // A single point would be a line without length, which nobody sees.
            if (run.Count == 1)
                run.Add(run[0]);
            if (run.Count > 0)
                Append($"<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" stroke-linejoin=\"round\" stroke-linecap=\"round\" points=\"{string.Join(' ', run)}\"/>");
            run.Clear();
        }
    }

    /// <summary>A line that keeps each value from its point in time on for so many seconds, as counts per interval do.</summary>
    public void Steps(IEnumerable<(double Second, double Value)> counts, double length, string colour) =>
        Line(counts.SelectMany(c => ((double, double?)[])[(c.Second, c.Value), (c.Second + length, c.Value)]), colour);

    /// <summary>Shades a part of the panel.</summary>
    public void Shade(double from, double to, string name)
    {
        Append($"<rect x=\"{X(from):0.0}\" y=\"{_panelTop}\" width=\"{Math.Max(0, X(to) - X(from)):0.0}\" height=\"{PanelHeight}\" fill=\"#888\" fill-opacity=\"0.12\"/>");
        Text((int)X(from) + 4, _panelTop + 12, name, "#777");
    }

    /// <summary>A dashed line at this value.</summary>
    public void Limit(double value, string name)
    {
        if (value > _panelMax || value < _panelMin)
            return;
        Append($"<line x1=\"{Left}\" x2=\"{_width - Right}\" y1=\"{Y(value):0.0}\" y2=\"{Y(value):0.0}\" stroke=\"#c0392b\" stroke-dasharray=\"5 4\"/>");
        Append($"<text x=\"{_width - Right - 4}\" y=\"{Y(value) - 4:0.0}\" fill=\"#c0392b\" text-anchor=\"end\">{WebUtility.HtmlEncode(name)}</text>");
    }

    /// <summary>Adds named spans of time below the panels, each on the first line where neither it nor its name runs into another.</summary>
    public void Spans(string name, IEnumerable<(string Name, double From, double To)> spans)
    {
        const int LaneHeight = 17;
        Text(Left, _bottom - 8, name, "#333");
        var ends = new List<double>();
        foreach ((string text, double from, double to) in spans.OrderBy(s => s.From))
        {
            int lane = ends.FindIndex(end => end <= X(from));
            if (lane < 0)
            {
                lane = ends.Count;
                ends.Add(0);
            }
            double length = Math.Max(X(to) - X(from), 2);
            ends[lane] = X(from) + Math.Max(length, (text.Length + 1) * LetterWidth);
            int y = _bottom + (lane * LaneHeight);
            Append($"<rect x=\"{X(from):0.0}\" y=\"{y}\" width=\"{length:0.0}\" height=\"{LaneHeight - 3}\" fill=\"#f0c36d\"/>");
            Text((int)X(from) + 3, y + 11, text, "#333");
        }
        _bottom += (ends.Count * LaneHeight) + Gap;
    }

    /// <summary>The picture as it is now.</summary>
    public override string ToString() => Svg.Page(title, _width, _bottom - 10, Left, _content);

    /// <summary>The next of 1, 2, 5, 10, 20, 50 ...: a scale that can be read.</summary>
    private static double RoundUp(double value)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(value, 0.01))));
        return new[] { 1.0, 2, 5, 10 }.Select(f => f * power).First(v => v >= value * (1 - 1e-9));
    }

    private static string Label(double value) => value.ToString(value is > 0 and < 10 ? "0.###" : "N0", CultureInfo.InvariantCulture);

    private void StartPanel(string name, IReadOnlyList<(string Name, string Colour)> legend, double[] ticks)
    {
        _panelTop = _bottom;
        _bottom = _panelTop + PanelHeight + Gap;
        Text(Left, _panelTop - 8, name, "#333");
        Legend(legend);
        foreach (double tick in ticks)
        {
            Append($"<line x1=\"{Left}\" x2=\"{_width - Right}\" y1=\"{Y(tick):0.0}\" y2=\"{Y(tick):0.0}\" stroke=\"{(tick == ticks[0] ? "#888" : "#e4e4e4")}\"/>");
            Append($"<text x=\"{Left - 6}\" y=\"{Y(tick) + 4:0.0}\" fill=\"#555\" text-anchor=\"end\">{Label(tick)}</text>");
        }
        double step = RoundUp(_seconds / (_width / 90.0));
        for (double at = 0; at <= _seconds; at += step)
            Append($"<text x=\"{X(at):0.0}\" y=\"{_panelTop + PanelHeight + 15}\" fill=\"#555\" text-anchor=\"middle\">{at:0.##} s</text>");
    }

    private void Legend(IReadOnlyList<(string Name, string Colour)> legend)
    {
        double x = _width - Right - legend.Sum(l => LegendMark + ((l.Name.Length + 2) * LetterWidth));
        foreach ((string name, string colour) in legend)
        {
            Append($"<line x1=\"{x:0.0}\" x2=\"{x + 10:0.0}\" y1=\"{_panelTop - 12}\" y2=\"{_panelTop - 12}\" stroke=\"{colour}\" stroke-width=\"3\"/>");
            Text((int)x + LegendMark, _panelTop - 8, name, "#333");
            x += LegendMark + ((name.Length + 2) * LetterWidth);
        }
    }

    private double X(double second) => Left + (second * SecondWidth);

    private double Y(double value)
    {
        double share = _panelMin == 0 ? value / _panelMax : Math.Log(Math.Max(value, _panelMin) / _panelMin) / Math.Log(_panelMax / _panelMin);
        return _panelTop + (PanelHeight * (1 - Math.Clamp(share, 0, 1)));
    }

    private void Text(int x, int y, string text, string colour) =>
        Append($"<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\">{WebUtility.HtmlEncode(text)}</text>");

    private void Append(FormattableString element) => _content.Append(element.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
