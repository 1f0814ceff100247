using System.Xml.Linq;
using FlashSale.Cli.Storm;
using FlashSale.Cli.Storm.Reports;
using FlashSale.Cli.Tests.Fakes;

namespace FlashSale.Cli.Tests.Storm;

/// <summary>What is made of stored reports: comparison and picture.</summary>
public sealed class ReportTests : IDisposable
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private readonly string _folder = Directory.CreateTempSubdirectory("storm-reports").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Report_WrittenAndRead_HasEverything()
    {
        StormReport report = await StormAsync("a.json", "--warm-up", "0.3");
        LatencyRow accepted = Row(report, LatencyRow.Accepted);
        Assert.Equal(accepted.Count, accepted.Histogram.Count);
        Assert.Equal(accepted.P99, accepted.Histogram.Percentile(0.99).TotalMilliseconds, 0.001);
        // The series has the warm-up too.
        Assert.Equal(report.Offered, report.Seconds.Sum(s => s.Offered));
        Assert.Equal(report.Accepted, report.Seconds.Sum(s => s.Accepted));
        Assert.Equal(report.RefusedAtDoor, report.Seconds.Sum(s => s.RefusedAtDoor));
        Assert.InRange(accepted.Count + Row(report, LatencyRow.RefusedAtDoor).Count, 1, report.Offered - 1);
        Assert.True(report.AcceptedPerSecond + report.RefusedPerSecond > 0);
    }

    [Fact]
    public async Task Compare_TwoReports_HasEachFigureWithItsRatio()
    {
        StormReport before = await StormAsync("before.json");
        await ReportFile.WriteAsync(File("after.json"), before with { AcceptedPerSecond = before.AcceptedPerSecond * 2, RateIntended = 1 });
        StormTests.Result result = await StormTests.RunAsync("storm", "compare", File("before.json"), File("after.json"));
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
        Assert.Matches(@"\n  accepted/s .* 2\.00\n", result.Output);
        Assert.Matches(@"\n  until the 202, p99 ms .* 1\.00\n", result.Output);
        Assert.Contains("NOTE: not the same load", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("NOTE: not the same machine", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Figures_OneReportWithoutAMeasurement_HasNoRatio()
    {
        StormReport full = await StormAsync("a.json");
        StormReport without = full with { LatenciesMilliseconds = [.. full.LatenciesMilliseconds.Where(l => l.Name != LatencyRow.Accepted)] };
        ComparedFigure figure = ReportComparison.Figures(full, without).Single(f => f.Name == "until the 202, p50 ms");
        Assert.NotNull(figure.Before);
        Assert.Null(figure.After);
        Assert.Null(figure.Ratio);
    }

    [Theory]
    [InlineData(null, ": Could not find file")]
    [InlineData("", " is not a report of a storm")]
    [InlineData("null", " is not a report of a storm")]
    [InlineData("[1,2]", " is not a report of a storm")]
    [InlineData("""{"startedAt":"2026-01-01T00:00:00Z"}""", " is not a report of a storm (as --json writes it): ")]
    public async Task CompareAndDraw_NoReport_SayWhichFile(string? content, string expected)
    {
        await StormAsync("good.json");
        if (content is not null)
            await System.IO.File.WriteAllTextAsync(File("bad.json"), content);
        foreach (string[] arguments in (string[][])[["compare", File("good.json"), File("bad.json")], ["compare", File("bad.json"), File("good.json")], ["draw", File("bad.json"), "--svg", File("x.svg")]])
        {
            StormTests.Result result = await StormTests.RunAsync(["storm", .. arguments]);
            Assert.Equal(2, result.ExitCode);
            Assert.StartsWith($"flashsale: {File("bad.json")}{expected}", result.Error, StringComparison.Ordinal);
            Assert.Single(result.Error.TrimEnd().Split('\n'));
        }
        Assert.False(System.IO.File.Exists(File("x.svg")));
    }

    [Fact]
    public async Task Draw_StoredReport_IsThePictureOfTheRun()
    {
        await StormAsync("a.json", "--svg", File("run.svg"), "--p99", "5000");
        StormTests.Result result = await StormTests.RunAsync("storm", "draw", File("a.json"), "--svg", File("stored.svg"));
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
        string picture = await System.IO.File.ReadAllTextAsync(File("run.svg"));
        Assert.Equal(picture, await System.IO.File.ReadAllTextAsync(File("stored.svg")));
        Assert.Contains("accepted", picture, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Draw_KnownSeconds_HasThemAsLines()
    {
        StormReport report = await StormAsync("a.json") with
        {
            WarmUpSeconds = 1,
            Seconds =
            [
                new SecondRow(0, 1000, 1000, 0, 0, 0, 1, 5, null, null, null, null),
                new SecondRow(1, 1000, 500, 500, 0, 0, 2, 10, 1, 2, null, null),
                new SecondRow(2, 1000, 0, 1000, 0, 0, null, null, 1, 2, null, null),
                new SecondRow(3, 1000, 1000, 0, 0, 0, 1, 5, null, null, null, null),
            ],
        };
        var picture = XDocument.Parse(StormSvg.Draw(report));
        Assert.Equal(Svg + "svg", picture.Root!.Name);
        string[] texts = [.. picture.Descendants(Svg + "text").Select(t => t.Value)];
        Assert.Contains("claims per second", texts);
        Assert.Contains("latency, ms", texts);
        Assert.Contains("1,000", texts);
        Assert.Equal(2, texts.Count(t => t == "warm-up"));
        Assert.DoesNotContain("unknown", texts);
        // All four seconds were sent at 1,000/s, the top of the panel: a flat line, with the start and the end of each second.
        XElement[] lines = [.. picture.Descendants(Svg + "polyline")];
        string[] sent = lines.Single(l => l.Attribute("stroke")!.Value == "#999999").Attribute("points")!.Value.Split(' ');
        Assert.Equal(8, sent.Length);
        Assert.Single(sent.Select(p => p.Split(',')[1]).Distinct());
        // The third second has no 202: their latencies are two lines each, of two seconds and of one.
        Assert.Equal(2, lines.Count(l => l.Attribute("stroke")!.Value == "#8ab8ee"));
    }

    [Fact]
    public async Task Draw_NothingHappened_IsAPictureAllTheSame()
    {
        StormReport report = await StormAsync("a.json") with { Seconds = [] };
        Assert.Empty(XDocument.Parse(StormSvg.Draw(report)).Descendants(Svg + "polyline"));
    }

    private string File(string name) => Path.Combine(_folder, name);

    private async Task<StormReport> StormAsync(string file, params string[] more)
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        StormTests.Result result = await StormTests.RunAsync(
            ["storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "500", "--users", "1000", "--rate", "1500", "--json", File(file), .. more]);
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
        return await ReportFile.ReadAsync(File(file), CancellationToken.None);
    }

    private static LatencyRow Row(StormReport report, string name) => report.LatenciesMilliseconds.Single(l => l.Name == name);
}
