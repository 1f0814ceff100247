using System.Diagnostics;
using System.Globalization;
using FlashSale.Core.Audit;
using FlashSale.Core.Log;

namespace FlashSale.Cli.Audit;

/// <summary>Runs an audit and says once a second how far it is.</summary>
internal sealed class AuditRun(MachineTopics topics, ILog log, TextWriter output)
{
    // Each holds the coupons of its partition: two keep two cores busy and the memory small.
    private const int PartitionsAtATime = 2;

    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(1);

    private readonly AuditProgress _progress = new();

    public Differences Differences { get; } = new();

    public TimeSpan Elapsed { get; private set; }

    /// <summary>Audits the partitions; interrupted, it says what was looked at so far.</summary>
    public async Task<IReadOnlyList<PartitionReport>> RunAsync(
        IReadOnlyList<int> partitions, AuditSources sources, AuditSettings settings, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            Task<IReadOnlyList<PartitionReport>> running = Task.Run(
                () => Auditor.RunAsync(partitions, PartitionsAtATime, topics, log, sources, settings, Differences, _progress, cancellation), CancellationToken.None);
            while (await Task.WhenAny(running, Task.Delay(ProgressEvery, CancellationToken.None)) != running)
                await output.WriteLineAsync(Describe(Stopwatch.GetElapsedTime(start)));
            return await running;
        }
        catch (OperationCanceledException)
        {
            await output.WriteLineAsync($"{Describe(Stopwatch.GetElapsedTime(start))}; so far {Differences.Count.ToString("N0", CultureInfo.InvariantCulture)} differences");
            foreach (Difference difference in Differences.First.Take(10))
                await output.WriteLineAsync($"{difference}");
            throw;
        }
        finally
        {
            Elapsed = Stopwatch.GetElapsedTime(start);
        }
    }

    private string Describe(TimeSpan elapsed) => string.Create(CultureInfo.InvariantCulture,
        $"{elapsed.TotalSeconds,6:0.0} s  records {_progress.Records:N0} of {_progress.RecordsInAll:N0} of the partitions begun  commands {_progress.Commands:N0}  {_progress.Commands / Math.Max(elapsed.TotalSeconds, 0.001):N0}/s");
}
