using FlashSale.Measure.Report;

namespace FlashSale.Measure.Tests;

public sealed class PerformancePageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("flashsale-measure").FullName;

    private string Page => Path.Combine(_folder, "performance.md");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_ExistingPage_KeepsWhatAHandHasWritten()
    {
        PerformancePage.Write(Page, Measured(70));
        var written = File.ReadAllText(Page);
        File.WriteAllText(Page, $"above\n{written}below\n");
        PerformancePage.Write(Page, Measured(90));

        var again = File.ReadAllText(Page);
        Assert.StartsWith("above\n", again, StringComparison.Ordinal);
        Assert.EndsWith("below\n", again, StringComparison.Ordinal);
        Assert.Contains("| accepted | 90 claims/s | 100 claims/s | 0.90 (0.90 to 0.90) | ≥ 0.8 of the twin | yes |", again, StringComparison.Ordinal);
        Assert.DoesNotContain("| accepted | 70", again, StringComparison.Ordinal);
        Assert.Equal($"above\n{written}below\n".Replace("70 claims/s | 100 claims/s | 0.70 (0.70 to 0.70) | ≥ 0.8 of the twin | **no**", "90 claims/s | 100 claims/s | 0.90 (0.90 to 0.90) | ≥ 0.8 of the twin | yes", StringComparison.Ordinal), again);
    }

    [Fact]
    public void Write_Pictures_LieBesideThePage()
    {
        PerformancePage.Write(Page, Measured(70));
        var svg = File.ReadAllText(Path.Combine(_folder, "performance", "memory.svg"));
        Assert.Contains("<polyline", svg, StringComparison.Ordinal);
        Assert.Contains("(performance/memory.svg)", File.ReadAllText(Page), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_folder, "performance", "door-profile.svg")));
    }

    [Fact]
    public void Write_ProfileBesideATwins_TellsTheDifference()
    {
        PerformancePage.Write(Page, Measured(70) with { Rows = [Row("two", 70) with { TwinProfile = [new CpuShare("server", 15, 8), new CpuShare("Kafka", 10, 5)] }] });
        var page = File.ReadAllText(Page);
        Assert.Contains("| server | 30.0 | 23.0 | 7.0 | 2.0 |", page, StringComparison.Ordinal);
        Assert.Contains("| server: sockets | 20.0 | 0.0 | 20.0 | 8.0 |", page, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_folder, "performance", "two-profile.svg")));
    }

    [Fact]
    public void Write_PageWithoutMarks_SaysSoAndLeavesItAlone()
    {
        File.WriteAllText(Page, "by hand\n");
        Assert.Contains("lacks the marks", Assert.Throws<MeasureException>(() => PerformancePage.Write(Page, Measured(1))).Message, StringComparison.Ordinal);
        Assert.Equal("by hand\n", File.ReadAllText(Page));
    }

    [Fact]
    public void Over_SomeRows_TakeTheirPlaceAmongTheOlderOnes()
    {
        var older = Measured(70) with { Rows = [Row("door", 70), Row("ledger", 5)] };
        var both = Over(Measured(1) with { Rows = [Row("ledger", 6), Row("idle", 7)] }, older);
        Assert.Equal([("door", 70), ("ledger", 6), ("idle", 7)], Rates(both));
    }

    [Fact]
    public void Over_FailedRow_LeavesOlderFigures()
    {
        var failed = Row("door", 1) with { Failure = "no server" };
        Assert.Equal([("door", 70), ("idle", 7)], Rates(Over(Measured(1) with { Rows = [failed, Row("idle", 7)] }, Measured(70))));
        Assert.Equal([("door", 1)], Rates(Over(Measured(1) with { Rows = [failed] }, null)));
    }

    [Fact]
    public void Over_RowsOfAnotherMachine_NeverStandBesideThese()
    {
        var older = Measured(70) with { Machine = "4 cores", Rows = [Row("door", 70), Row("ledger", 5), Row("engines", 3)] };
        Assert.Null(Over(Measured(1) with { Rows = [Row("ledger", 6)] }, older));
        Assert.Equal([("door", 1), ("ledger", 6)], Rates(Over(Measured(1) with { Rows = [Row("door", 1), Row("ledger", 6)] }, older)));
        var failed = Row("ledger", 6) with { Failure = "no server" };
        Assert.Equal([("door", 1), ("ledger", 6)], Rates(Over(Measured(1) with { Rows = [Row("door", 1), failed] }, older)));
    }

    [Fact]
    public void Results_WrittenAndRead_AreTheSame()
    {
        var file = Path.Combine(_folder, "results.json");
        var results = Measured(70) with { Rows = [Row("door", 70), Row("start", double.NaN) with { Failure = "no server" }] };
        results.Write(file);
        Assert.Equal(PerformancePage.Generate(results, "p"), PerformancePage.Generate(Results.Read(file)!, "p"));
        File.WriteAllText(file, "{");
        Assert.Throws<MeasureException>(() => Results.Read(file));
        Assert.Null(Results.Read(file + ".none"));
    }

    [Fact]
    public void SustainedRate_HeldOrNot_IsTheRateOrNone()
    {
        Assert.Equal(28_456, (Measured(1) with { Rows = [Row("door", 70), Row("sustained", 28_456)] }).SustainedRate);
        Assert.Null((Measured(1) with { Rows = [Row("sustained", 0)] }).SustainedRate);
        Assert.Null((Measured(1) with { Rows = [Row("sustained", 5) with { Figures = [], Failure = "no server" }] }).SustainedRate);
        Assert.Null(Measured(1).SustainedRate);
    }

    /// <summary>Usual rows are all but the last one.</summary>
    private static Results? Over(Results results, Results? older) => results.Over(older, ["door", "ledger", "idle", "engines"], ["door", "ledger", "idle"]);

    private static IEnumerable<(string, double)> Rates(Results? results) => results!.Rows.Select(r => (r.Row, r.Figures[0].Ours[0]));

    private static Results Measured(double ours) => new("2 cores", [".NET"], [Row("door", ours)]);

    private static RowResult Row(string name, double ours) =>
        new(name, "at the door", DateTimeOffset.UnixEpoch, 1, [new Figure("accepted", "claims/s", [ours], [100], Goal.RatioAtLeast, 0.8, "a note")])
        {
            Profile = [new CpuShare("server", 20, 10), new CpuShare("server: sockets", 12, 8), new CpuShare("Kafka", 10, 5)],
            Pictures = [new Picture("memory", "memory", [new Panel("MB", [new Series("server", [0, 1, 2], [100, 120, 130])])])],
        };
}
