using System.Globalization;
using System.Xml.Linq;
using FlashSale.Cli.Drawing;

namespace FlashSale.Cli.Tests.Drawing;

public sealed class TimeChartTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private readonly TimeChart _chart = new("a <title> & more", seconds: 100);

    [Fact]
    public void ToString_TextsWithMarkup_AreEncoded()
    {
        _chart.Panel("<panel>", 10, ("a & b", "#123456"));
        _chart.Spans("<spans>", [("<fault>", 1, 2)]);
        string[] texts = [.. Draw().Descendants(Svg + "text").Select(t => t.Value)];
        Assert.Contains("a <title> & more", texts);
        Assert.Superset(new HashSet<string> { "<panel>", "a & b", "<spans>", "<fault>" }, texts.ToHashSet());
    }

    [Theory]
    [InlineData(0.3, "0.5")]
    [InlineData(7, "10")]
    [InlineData(10, "10")]
    [InlineData(1001, "2,000")]
    [InlineData(20_001, "50,000")]
    public void Panel_AnyMaximum_HasAScaleThatCanBeRead(double max, string expected)
    {
        _chart.Panel("p", max);
        Assert.Equal(expected, Draw().Descendants(Svg + "text").Last(t => t.Attribute("text-anchor")?.Value == "end").Value);
    }

    [Theory]
    [InlineData(0.3, 42, "0.1", "100")]
    [InlineData(1, 10, "1", "10")]
    [InlineData(5, 5, "1", "10")]
    [InlineData(10, 10, "10", "100")]
    public void LogPanel_AnyBounds_HasWholePowersOfTen(double min, double max, string lowest, string highest)
    {
        _chart.LogPanel("p", min, max);
        string[] ticks = [.. Draw().Descendants(Svg + "text").Where(t => t.Attribute("text-anchor")?.Value == "end").Select(t => t.Value)];
        Assert.Equal((lowest, highest), (ticks[0], ticks[^1]));
    }

    [Fact]
    public void LogPanel_TenTimesAValue_IsAlwaysAsFarAbove()
    {
        _chart.LogPanel("p", 1, 1000);
        _chart.Line([(0, 0.01), (1, 1), (2, 10), (3, 100), (4, 1000)], "#000000");
        double[] heights = [.. Draw().Descendants(Svg + "polyline").Single().Attribute("points")!.Value.Split(' ').Select(p => Number(p.Split(',')[1]))];
        Assert.Equal([0, 50, 50, 50], heights.Zip(heights.Skip(1), (a, b) => a - b));
    }

    [Fact]
    public void Steps_Counts_KeepTheirValueForTheirTime()
    {
        _chart.Panel("p", 10);
        _chart.Steps([(0, 10), (50, 0)], length: 50, "#000000");
        double[][] points = [.. Draw().Descendants(Svg + "polyline").Single().Attribute("points")!.Value.Split(' ').Select(p => p.Split(',').Select(Number).ToArray())];
        Assert.Equal([70, 475, 475, 880], points.Select(p => p[0]));
        Assert.Equal([44, 44, 194, 194], points.Select(p => p[1]));
    }

    [Fact]
    public void Line_MissingValues_BreakIt()
    {
        _chart.Panel("p", 10);
        _chart.Line([(0, 1), (1, 2), (2, null), (3, null), (4, 5)], "#000000");
        string[][] lines = [.. Draw().Descendants(Svg + "polyline").Select(l => l.Attribute("points")!.Value.Split(' '))];
        // A single point is drawn twice, so that it is seen.
        Assert.Equal([2, 2], lines.Select(l => l.Length));
        Assert.Equal(lines[1][0], lines[1][1]);
    }

    [Fact]
    public void Line_ValuesBeyondThePanel_StayInIt()
    {
        _chart.Panel("p", 10);
        _chart.Line([(0, -5), (100, 1e9)], "#000000");
        double[] heights = [.. Draw().Descendants(Svg + "polyline").Single().Attribute("points")!.Value.Split(' ').Select(p => Number(p.Split(',')[1]))];
        Assert.Equal(150, heights[0] - heights[1]);
    }

    [Fact]
    public void Spans_Overlapping_HaveLinesOfTheirOwn()
    {
        _chart.Panel("p", 10);
        _chart.Spans("s", [("first", 0, 50), ("second", 10, 20), ("third", 60, 70), ("a long name that reaches far", 80, 81), ("close behind", 82, 83)]);
        double[] tops = [.. Draw().Descendants(Svg + "rect").Skip(1).Select(r => Number(r.Attribute("y")!.Value))];
        Assert.Equal([tops[0], tops[0] + 17, tops[0], tops[0], tops[0] + 17], tops);
    }

    [Fact]
    public void Limit_AboveThePanel_IsLeftOut()
    {
        _chart.Panel("p", 10);
        _chart.Limit(5, "within");
        _chart.Limit(50, "above");
        string[] texts = [.. Draw().Descendants(Svg + "text").Select(t => t.Value)];
        Assert.Contains("within", texts);
        Assert.DoesNotContain("above", texts);
    }

    private XDocument Draw() => XDocument.Parse(_chart.ToString());

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
