using FlashSale.Cli.Storm;
using FlashSale.Cli.Storm.Ceiling;
using FlashSale.Cli.Storm.Reports;
using FlashSale.Cli.Tests.Fakes;

namespace FlashSale.Cli.Tests.Storm;

/// <summary>The kinds of load, each against a sale in memory.</summary>
public sealed class StormLoadTests : IDisposable
{
    private readonly string _json = Path.GetTempFileName();

    public void Dispose() => File.Delete(_json);

    [Fact]
    public async Task Storm_Spike_SendsFourFifthsInTwoSeconds()
    {
        StormReport report = await RunAsync("--open-quantity", "100", "--users", "2000", "--repeat-share", "0", "--profile", "spike", "--duration", "5");
        Assert.Equal(0.8 * 2000 / 2, report.RateIntended);
        Assert.Equal(2000, report.Offered);
        // A generator that is held up sends later, never earlier.
        Assert.InRange(report.Seconds.Take(2).Sum(s => s.Offered), 100, 1602);
        Assert.True(report.Verdict!.Exact);
    }

    [Fact]
    public async Task Storm_Ramp_SendsHalfWhileItRises()
    {
        StormReport report = await RunAsync("--open-quantity", "10", "--rate", "500", "--ramp", "1", "--duration", "2", "--repeat-share", "0");
        Assert.Equal(750, report.Offered);
        Assert.InRange(report.Seconds[0].Offered, 1, 251);
    }

    [Fact]
    public async Task Storm_Mixed_EverybodyWaitsForTheDecision()
    {
        StormReport report = await RunAsync("--open-quantity", "100000", "--rate", "4000", "--users", "1000", "--profile", "mixed");
        Assert.Equal(1, report.DecisionSampleShare);
        Assert.Equal(report.Accepted, Row(report, LatencyRow.Decided).Count);
        Assert.Equal(report.Accepted, report.Seconds.Sum(s => s.Decided));
    }

    [Fact]
    public async Task Storm_Soak_IsAConstantRateForItsTime()
    {
        StormReport report = await RunAsync("--open-quantity", "10", "--rate", "300", "--duration", "1", "--profile", "soak", "--repeat-share", "0");
        Assert.Equal("soak", report.Load.Profile);
        Assert.Equal(300, report.Offered);
    }

    [Fact]
    public async Task Storm_ClosedLoop_ClaimsUntilItsTimeIsOver()
    {
        StormReport report = await RunAsync("--open-quantity", "50", "--closed-loop", "8", "--duration", "1", "--warm-up", "0.2");
        Assert.Null(report.RateIntended);
        Assert.Equal(8, report.Load.ClosedLoop);
        Assert.True(report.Verdict!.Exact, report.Verdict.Line);
        Assert.Equal(report.Offered, report.Accepted + report.RefusedAtDoor);
        Assert.Equal(report.Users, report.Offered);
        // More than one each: they went on after their answers. A connection each, some more for the questions afterwards.
        Assert.InRange(report.Offered, 9, long.MaxValue);
        Assert.Equal(0, Row(report, LatencyRow.Behind).Count);
        Assert.Equal(0, report.Generator.ClaimsQueued);
    }

    [Fact]
    public async Task Storm_ClosedLoopOfSoManyUsers_EndsWithTheLast()
    {
        StormReport report = await RunAsync("--open-quantity", "50", "--closed-loop", "8", "--users", "500", "--repeat-share", "0.1");
        Assert.Equal(550, report.Offered);
        Assert.True(report.Verdict!.Exact, report.Verdict.Line);
    }

    [Fact]
    public async Task Storm_ClosedLoopWithLostAnswers_GoesOn()
    {
        await using FakeSale sale = await FakeSale.StartAsync(loseAnswerEvery: 7);
        StormReport report = await RunAsync(sale, "--open-quantity", "50", "--closed-loop", "4", "--users", "200", "--retry-unknown");
        Assert.Equal(0, report.Unknown);
        Assert.True(report.Verdict!.Exact, report.Verdict.Line);
    }

    [Fact]
    public async Task Storm_Http2_IsExact()
    {
        await using FakeSale sale = await FakeSale.StartAsync(http2: true);
        StormReport report = await RunAsync(sale, "--open-quantity", "100", "--users", "1000", "--rate", "4000", "--http2");
        Assert.True(report.Load.Http2);
        Assert.Equal(1050, report.Accepted + report.RefusedAtDoor);
        Assert.True(report.Verdict!.Exact, report.Verdict.Line);
        // Streams share connections: with HTTP/1.1 a claim in flight has one of its own.
        Assert.InRange(report.Generator.Connections, 1, 40);
    }

    [Fact]
    public async Task Storm_Http2AndLostAnswers_NoneStaysUnknown()
    {
        await using FakeSale sale = await FakeSale.StartAsync(loseAnswerEvery: 7, http2: true);
        StormReport report = await RunAsync(sale, "--open-quantity", "100", "--users", "300", "--rate", "2000", "--http2", "--retry-unknown");
        Assert.Equal(0, report.Unknown);
        Assert.True(report.Verdict!.Exact, report.Verdict.Line);
    }

    [Fact]
    public async Task Storm_Http2AgainstHttp1_SaysWhatIsMissing()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        StormTests.Result result = await StormTests.RunAsync("storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "5", "--http2");
        Assert.Equal(2, result.ExitCode);
        Assert.Equal($"flashsale: {sale.Url} does not speak HTTP/2 without TLS: give the address of a listener with Protocols=Http2 (docs/configuration.md).\n", result.Error);
    }

    [Fact]
    public async Task Storm_SlowerThanItsLimit_EndsWithOne()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        StormTests.Result result = await StormTests.RunAsync(
            "storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "5000", "--users", "500", "--rate", "2000", "--p99", "0.1");
        Assert.Contains("TOO SLOW: the p99 of the 202 is above 0.1 ms", result.Output, StringComparison.Ordinal);
        Assert.Contains("\nEXACT: ", result.Output, StringComparison.Ordinal);
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    public async Task Storm_FindRate_StopsAtTheFirstRateThatIsTooSlow()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        StormTests.Result result = await StormTests.RunAsync(
            "storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "100000", "--find-rate", "--rate", "8", "--p99", "0.1", "--step-seconds", "0.5", "--json", _json);
        Assert.Contains("NO RATE FOUND", result.Output, StringComparison.Ordinal);
        Assert.Equal(1, result.ExitCode);
        StormReport report = await ReportFile.ReadAsync(_json, CancellationToken.None);
        Assert.Null(report.RateSearch!.Rate);
        Assert.All(report.RateSearch.Steps, s => Assert.NotNull(s.FailedBecause));
        Assert.Equal("too slow", report.RateSearch.Steps[0].FailedBecause);
        Assert.Equal([8, 8, 4, 4], report.RateSearch.Steps.Take(4).Select(s => s.Rate));
    }

    [Fact]
    public async Task Storm_FindRateAndCouponsRunOut_SaysSo()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        StormTests.Result result = await StormTests.RunAsync(
            "storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "100", "--find-rate", "--rate", "400", "--p99", "60000", "--step-seconds", "0.5");
        Assert.Equal(2, result.ExitCode);
        Assert.Equal("flashsale: the coupons ran out at 400 claims/s: open the campaign with more (--open-quantity).\n", result.Error);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ceiling_AgainstTheTwin_IsMeasured(bool http2)
    {
        CeilingRow ceiling = await CeilingRun.MeasureAsync(connections: 8, http2, TimeSpan.FromSeconds(0.3), TimeSpan.FromSeconds(0.5), CancellationToken.None);
        Assert.InRange(ceiling.PerSecond, 1, ClosedLoop.RateMax);
        Assert.True(ceiling.GeneratorMicroseconds > 0);
        Assert.True(ceiling.TwinMicroseconds > 0);
        Assert.Equal(http2, ceiling.Http2);
    }

    private async Task<StormReport> RunAsync(params string[] arguments)
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        return await RunAsync(sale, arguments);
    }

    private async Task<StormReport> RunAsync(FakeSale sale, params string[] arguments)
    {
        StormTests.Result result = await StormTests.RunAsync(["storm", "--url", sale.Url, "--campaign", "spring", "--json", _json, .. arguments]);
        Assert.Equal("", result.Error);
        Assert.True(result.ExitCode == 0, result.Output);
        return await ReportFile.ReadAsync(_json, CancellationToken.None);
    }

    private static LatencyRow Row(StormReport report, string name) => report.LatenciesMilliseconds.Single(l => l.Name == name);
}
