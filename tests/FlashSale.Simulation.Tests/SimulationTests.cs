using System.Globalization;
using Xunit.Abstractions;

namespace FlashSale.Simulation.Tests;

/// <summary>Fresh seeds each time, all seeds that have ever failed, and that a seed is the same run each time.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int FreshSeeds = 2_000;

    /// <summary>One seed a line, then what it found; see the file.</summary>
    public static TheoryData<ulong> SeedsThatFailed =>
        new(File.ReadLines(Path.Combine(AppContext.BaseDirectory, "seeds-that-failed.txt"))
            .Select(l => l.Trim())
            .Where(l => l.Length > 0 && l[0] != '#')
            .Select(l => ulong.Parse(l.Split(' ', 2)[0], CultureInfo.InvariantCulture)));

    [Fact]
    public void Run_FreshSeeds_ViolateNothing()
    {
        var from = (ulong)TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        output.WriteLine($"seeds from {from} on");
        var range = new SeedRange(from, FreshSeeds);
        range.Run(CancellationToken.None);
        Assert.True(range.Failed is null, range.Failed is { } failed
            ? $"seed {failed.Seed} violates {failed.Invariant}: {failed.Message}{Environment.NewLine}{string.Join(Environment.NewLine, failed.LastSteps)}"
            : "");
        Assert.Equal(FreshSeeds, range.Ran);
    }

    [Theory]
    [MemberData(nameof(SeedsThatFailed))]
    public void Run_SeedThatFailedOnce_ViolatesNothing(ulong seed)
    {
        var result = Run.Execute(seed);
        Assert.True(result.Invariant is null, $"{result.Invariant}: {result.Message}");
    }

    [Fact]
    public void Run_SameSeedTwice_DoesTheSame()
    {
        var from = (ulong)TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        for (var seed = from; seed < from + 50; seed++)
        {
            var (first, second) = (Run.Execute(seed), Run.Execute(seed));
            Assert.Equal((seed, first.Hash, first.Steps), (seed, second.Hash, second.Steps));
            Assert.Equal(first.LastSteps, second.LastSteps);
        }

        Assert.NotEqual(Run.Execute(from).Hash, Run.Execute(from + 1).Hash);
    }

    [Theory]
    [InlineData("--seeds x")]
    [InlineData("--seeds 0")]
    [InlineData("--seeds -5")]
    [InlineData("--seeds 10 --from x")]
    [InlineData("--seed x")]
    [InlineData("--seed -1 --trace")]
    [InlineData("--sedes 10")]
    [InlineData("")]
    public void CommandLine_BadInput_IsOneLineAndExitCode2(string arguments)
    {
        var (exitCode, told, error) = CommandLineOf(arguments);
        Assert.Equal((2, ""), (exitCode, told));
        Assert.Equal(1, error.Count(c => c == '\n'));
    }

    [Fact]
    public void CommandLine_SeedThatPasses_SaysSoInTheLastLine()
    {
        var seed = Enumerable.Range(1, 100).Select(s => (ulong)s).First(s => Run.Execute(s).Invariant is null);
        var (exitCode, told, _) = CommandLineOf($"--seed {seed} --trace");
        Assert.Equal(0, exitCode);
        Assert.Contains($"seed {seed} passes: no invariant is violated", told.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void SeedRange_Stopped_RunsNoFurtherSeed()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        var range = new SeedRange(1, 1_000_000);
        range.Run(stop.Token);
        Assert.Equal(0, range.Ran);
    }

    private static (int ExitCode, string Output, string Error) CommandLineOf(string arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var exitCode = CommandLine.Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), output, error);
        return (exitCode, output.ToString(), error.ToString());
    }
}
