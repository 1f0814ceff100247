using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Environments;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace FlashSale.Benchmarks;

/// <summary>A benchmark beside its twin of the same run.</summary>
/// <param name="Name">Class, method and parameters.</param>
/// <param name="Nanoseconds">Median of one operation.</param>
/// <param name="Ratio">To the twin's median; 1 for the twin itself.</param>
/// <param name="Bytes">Allocated by one operation.</param>
internal sealed record Measured(string Name, double Nanoseconds, double Ratio, long? Bytes, bool IsTwin);

/// <summary>Runs benchmark classes in this process: a build for each, as BenchmarkDotNet makes by default, would take longer than the measuring.</summary>
internal static class Runner
{
    public static readonly IReadOnlyList<Type> Classes = [typeof(Codec), typeof(Model), typeof(Tickets), typeof(Gathering), typeof(RedisApply), typeof(LedgerWrite)];

    /// <summary>Those in the category that needs no server and repeats well.</summary>
    public static bool IsStable(Type type) =>
        type.GetCustomAttributes(typeof(BenchmarkDotNet.Attributes.BenchmarkCategoryAttribute), false)
            .Cast<BenchmarkDotNet.Attributes.BenchmarkCategoryAttribute>().Any(c => c.Categories.Contains("stable"));

    /// <exception cref="InvalidOperationException">A benchmark did not come to a result.</exception>
    public static List<Measured> Run(Type type, string? filter, StreamLogger log)
    {
        var config = ManualConfig.CreateEmpty()
            .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithStrategy(BenchmarkDotNet.Engines.RunStrategy.Throughput)
                .WithWarmupCount(3).WithIterationCount(12).WithIterationTime(TimeInterval.FromMilliseconds(100)).WithPlatform(Platform.AnyCpu))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(log)
            .WithArtifactsPath(Path.GetTempPath())
            .WithOptions(ConfigOptions.DisableLogFile | ConfigOptions.DisableOptimizationsValidator);
        if (filter is not null)
            config.AddFilter(new SimpleFilter(c => c.Descriptor.Baseline || Name(c).Contains(filter, StringComparison.OrdinalIgnoreCase)));
        var summary = BenchmarkRunner.Run(type, config);
        if (summary.HasCriticalValidationErrors || summary.Reports.Any(r => !r.Success))
            throw new InvalidOperationException($"{type.Name} did not come to a result; see the log");
        return [.. summary.Reports.Select(r => Measure(r, summary))];
    }

    public static string Name(BenchmarkCase benchmark) => string.Create(CultureInfo.InvariantCulture,
        $"{benchmark.Descriptor.Type.Name}.{benchmark.Descriptor.WorkloadMethod.Name}{(benchmark.HasParameters ? $"({string.Join(", ", benchmark.Parameters.Items.Select(p => p.Value))})" : "")}");

    private static Measured Measure(BenchmarkReport report, Summary summary)
    {
        var twin = summary.Reports.First(r => r.BenchmarkCase.Descriptor.Baseline && r.BenchmarkCase.Parameters.DisplayInfo == report.BenchmarkCase.Parameters.DisplayInfo);
        var median = report.ResultStatistics!.Median;
        return new Measured(Name(report.BenchmarkCase), median, median / twin.ResultStatistics!.Median,
            report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase), report == twin);
    }
}
