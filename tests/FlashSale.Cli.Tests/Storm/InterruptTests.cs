using System.Diagnostics;
using FlashSale.Cli.Storm;
using FlashSale.Cli.Storm.Reports;
using FlashSale.Cli.Tests.Fakes;

namespace FlashSale.Cli.Tests.Storm;

/// <summary>The program itself, ended by the signals that a terminal and a supervisor send.</summary>
public sealed class InterruptTests : IDisposable
{
    /// <summary>A storm that does not take notice of the signal would go on for minutes.</summary>
    private static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(60);

    private readonly string _json = Path.GetTempFileName();

    public void Dispose() => File.Delete(_json);

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task Storm_GetsASignal_ReportsWhatWasSoFar(string signal)
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        string told = await InterruptAsync(signal, after: "offered", "storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "100", "--users", "100000", "--rate", "200", "--json", _json);
        Assert.Contains("INTERRUPTED: nothing is known about exactness", told, StringComparison.Ordinal);
        StormReport report = await ReportFile.ReadAsync(_json, CancellationToken.None);
        Assert.True(report.Interrupted);
        Assert.Null(report.Verdict);
        Assert.InRange(report.Offered, 1, 99_999);
        Assert.Equal(report.Offered, report.Seconds.Sum(s => s.Offered));
    }

    [Fact]
    public async Task FindRate_GetsASignal_ReportsTheStepsSoFar()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        string told = await InterruptAsync(
            "INT", after: "passed", "storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "1000000",
            "--find-rate", "--rate", "20", "--p99", "60000", "--step-seconds", "1", "--json", _json);
        Assert.Contains("SEARCH INTERRUPTED after", told, StringComparison.Ordinal);
        StormReport report = await ReportFile.ReadAsync(_json, CancellationToken.None);
        Assert.True(report.Interrupted);
        Assert.Null(report.RateSearch!.Steps[0].FailedBecause);
        Assert.InRange(report.RateSearch.Rate!.Value, 20, double.MaxValue);
    }

    /// <summary>Runs the program, sends it the signal after a line with this text, and returns what it writes from then on.</summary>
    private static async Task<string> InterruptAsync(string signal, string after, params string[] arguments)
    {
        // What a shell runs in the background ignores the interrupt, and so do its children, these tests included.
        var start = new ProcessStartInfo("env", ["--default-signal=SIGINT", "dotnet", Path.Combine(AppContext.BaseDirectory, "flashsale.dll"), .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process storm = Process.Start(start)!;
        while (await storm.StandardOutput.ReadLineAsync() is { } line && !line.Contains(after, StringComparison.Ordinal))
        {
            // The first line of progress comes after a second.
        }
        using (var kill = Process.Start("kill", [$"-{signal}", $"{storm.Id}"]))
            await kill.WaitForExitAsync();
        using var limit = new CancellationTokenSource(EndsWithin);
        using CancellationTokenRegistration over = limit.Token.UnsafeRegister(static s => ((Process)s!).Kill(), storm);
        string rest = await storm.StandardOutput.ReadToEndAsync();
        await storm.WaitForExitAsync();
        Assert.Equal("", await storm.StandardError.ReadToEndAsync());
        Assert.Equal(130, storm.ExitCode);
        return rest;
    }
}
