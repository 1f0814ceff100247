using System.Diagnostics;
using FlashSale.Cli.Storm;
using FlashSale.Cli.Storm.Reports;
using FlashSale.Cli.Tests.Fakes;

namespace FlashSale.Cli.Tests.Storm;

/// <summary>The program itself, ended by the signals that a terminal and a supervisor send.</summary>
public sealed class InterruptTests : IDisposable
{
    private readonly string _json = Path.GetTempFileName();

    public void Dispose() => File.Delete(_json);

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task Storm_GetsASignal_ReportsWhatWasSoFar(string signal)
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        using Process storm = Start("storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "100", "--users", "100000", "--rate", "200", "--json", _json);
        while (await storm.StandardOutput.ReadLineAsync() is { } line && !line.Contains("offered", StringComparison.Ordinal))
        {
            // The first line of progress comes after a second.
        }
        using (var kill = Process.Start("kill", [$"-{signal}", $"{storm.Id}"]))
            await kill.WaitForExitAsync();
        string rest = await storm.StandardOutput.ReadToEndAsync();
        await storm.WaitForExitAsync();

        Assert.Equal(130, storm.ExitCode);
        Assert.Contains("INTERRUPTED: nothing is known about exactness", rest, StringComparison.Ordinal);
        Assert.Equal("", await storm.StandardError.ReadToEndAsync());
        StormReport report = await ReportFile.ReadAsync(_json, CancellationToken.None);
        Assert.True(report.Interrupted);
        Assert.Null(report.Verdict);
        Assert.InRange(report.Offered, 1, 99_999);
        Assert.Equal(report.Offered, report.Seconds.Sum(s => s.Offered));
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "flashsale.dll"), .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }
}
