using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using FlashSale.Cli.Tests.Fakes;

namespace FlashSale.Cli.Tests.Storm;

public sealed class StormTests
{
    [Fact]
    public async Task Storm_ServerIsExact_SaysExact()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        Result result = await RunAsync("storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "100", "--users", "1000", "--rate", "5000");
        Assert.Equal("", result.Error);
        Assert.Contains("EXACT: 100 of 100 issued to 100 users; ", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("NOT EXACT", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task Storm_EverythingIsDecidedByTheLog_SaysExact()
    {
        await using FakeSale sale = await FakeSale.StartAsync(refuseAtDoor: false);
        Result result = await RunAsync("storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "100", "--users", "1000", "--rate", "5000", "--repeat-share", "0.1", "--decision-sample", "0.3");
        Assert.Contains("EXACT: 100 of 100 issued to 100 users; 1,100 accepted = 1,100 decided", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task Storm_TwiceOnTheSameCampaign_CountsFromWhatWasIssuedBefore()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        Result first = await RunAsync("storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "1000", "--users", "300", "--rate", "5000");
        Result second = await RunAsync("storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "1000", "--users", "900", "--rate", "5000");
        Assert.Contains("EXACT: 300 of 1,000 issued to 300 users", first.Output, StringComparison.Ordinal);
        Assert.Contains("EXACT: 700 of 700 issued to 700 users", second.Output, StringComparison.Ordinal);
        Assert.Equal(0, second.ExitCode);
    }

    [Fact]
    public async Task Storm_SeveralCampaignsAndAddresses_JudgesEach()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        string json = Path.GetTempFileName();
        Result result = await RunAsync("storm", "--url", sale.Url, "--url", sale.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal), "--campaign", "a", "--campaign", "b", "--campaign", "c",
            "--open-quantity", "50", "--users", "900", "--rate", "5000", "--warm-up", "0.05", "--spacing", "poisson", "--json", json);
        Assert.True(result.Output.Contains("EXACT: 150 of 150 issued to 150 users in 3 campaigns", StringComparison.Ordinal), result.Output);
        Assert.Equal(0, result.ExitCode);
        using JsonDocument report = JsonDocument.Parse(await File.ReadAllTextAsync(json));
        File.Delete(json);
        Assert.Equal(3, report.RootElement.GetProperty("campaigns").GetArrayLength());
        Assert.True(report.RootElement.GetProperty("verdict").GetProperty("exact").GetBoolean());
        JsonElement behind = report.RootElement.GetProperty("latenciesMilliseconds").EnumerateArray().Last();
        Assert.Equal(report.RootElement.GetProperty("offered").GetInt64(), behind.GetProperty("count").GetInt64());
        Assert.True(behind.GetProperty("p99").GetDouble() >= behind.GetProperty("p50").GetDouble());
    }

    [Theory]
    [InlineData(Flaw.Oversells, "oversold: 101 issued of 100")]
    [InlineData(Flaw.SellsTooFew, "undersold: 99 of 100 issued")]
    [InlineData(Flaw.SameCodeTwice, "coupon codes were told to more than one claim")]
    [InlineData(Flaw.NeverDecides, "accepted claims are without an outcome")]
    [InlineData(Flaw.UnknownAnswers, "claims got an answer that the interface does not know, such as 500 oops")]
    [InlineData(Flaw.MiscountsIssued, "100 callers were told to have won, the campaign counts 99")]
    public async Task Storm_ServerIsNotExact_SaysWhy(Flaw flaw, string expected)
    {
        await using FakeSale sale = await FakeSale.StartAsync(flaw);
        Result result = await RunAsync("storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "100", "--users", "500", "--rate", "5000", "--settle-timeout", "1");
        Assert.Contains("NOT EXACT: ", result.Output, StringComparison.Ordinal);
        Assert.Contains(expected, result.Output, StringComparison.Ordinal);
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    public async Task Storm_AnswersAreLost_LooksTheUsersUp()
    {
        await using FakeSale sale = await FakeSale.StartAsync(loseAnswerEvery: 7);
        Result result = await RunAsync("storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "100", "--users", "500", "--rate", "5000");
        Assert.Contains("no-answer", result.Output, StringComparison.Ordinal);
        Assert.Contains("EXACT: 100 of 100 issued to 100 users", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task Storm_AnswersAreLostAndRetried_NoneStaysUnknown()
    {
        await using FakeSale sale = await FakeSale.StartAsync(loseAnswerEvery: 7, refuseAtDoor: false);
        Result result = await RunAsync("storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "100", "--users", "500", "--rate", "5000", "--repeat-share", "0", "--retry-unknown");
        Assert.DoesNotContain("no-answer", result.Output, StringComparison.Ordinal);
        Assert.Contains("EXACT: 100 of 100 issued to 100 users; 500 accepted = 500 decided", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task Storm_ServerIsDownForAWhile_EveryClaimGetsItsOutcome()
    {
        await using FakeSale sale = await FakeSale.StartAsync(refuseAtDoor: false);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int lines = 0;
        using var output = new NotifyingWriter("offered", () =>
        {
            started.TrySetResult();
            // The second line after that is a second in which nothing listened.
            if (++lines == 3)
                refused.TrySetResult();
        });
        using var error = new StringWriter();
        Task<int> storm = CommandLine.RunAsync(
            ["storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "500", "--users", "4000", "--rate", "1000", "--retry-unknown"], output, error);
        await started.Task;
        await sale.RestartAsync(whileDown: refused.Task);
        Assert.Equal(0, await storm);
        Assert.Contains("EXACT: 500 of 500 issued to 500 users; 4,200 accepted = 4,200 decided", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Storm_NothingListens_SaysSoInOneLine()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        taken.Stop();
        Result result = await RunAsync("storm", "--url", $"http://127.0.0.1:{port}", "--campaign", "spring");
        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith($"flashsale: http://127.0.0.1:{port} does not answer", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Storm_CampaignMissing_SaysSo()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        Result result = await RunAsync("storm", "--url", sale.Url, "--campaign", "spring");
        Assert.Equal(2, result.ExitCode);
        Assert.Equal($"flashsale: There is no campaign 'spring' on {sale.Url}.\n", result.Error);
    }

    [Fact]
    public async Task Storm_ServerIsAnother_SaysSo()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        // A path that the server does not know answers as another server would: 404, without a code.
        StormTests.Result result = await RunAsync("campaign", "show", "spring", "--url", sale.Url + "/elsewhere/");
        Assert.Equal(2, result.ExitCode);
        Assert.Equal($"flashsale: {sale.Url}/elsewhere/ answers, but not as FlashSale: 404\n", result.Error);
    }

    [Fact]
    public async Task Storm_Interrupted_ReportsWhatWasSoFar()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        using var interrupt = new CancellationTokenSource();
        using var output = new NotifyingWriter("offered", interrupt.Cancel);
        using var error = new StringWriter();
        int exitCode = await CommandLine.RunAsync(
            ["storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "100", "--users", "100000", "--rate", "100"], output, error, interrupt.Token);
        Assert.Equal(130, exitCode);
        Assert.Contains("INTERRUPTED", output.ToString(), StringComparison.Ordinal);
    }

    internal static async Task<Result> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = await CommandLine.RunAsync(args, output, error);
        return new Result(exitCode, output.ToString(), error.ToString());
    }

    internal sealed record Result(int ExitCode, string Output, string Error);

    /// <summary>Calls back as soon as a text has been written.</summary>
    private sealed class NotifyingWriter(string awaited, Action found) : StringWriter
    {
        public override void WriteLine(object? value)
        {
            base.WriteLine(value);
            if (value?.ToString()?.Contains(awaited, StringComparison.Ordinal) == true)
                found();
        }
    }
}
