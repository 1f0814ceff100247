using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>Audits partitions, several at a time.</summary>
public static class Auditor
{
    /// <summary>
    /// Audits the partitions given. The memory of a partition is freed before the next one takes its place, so that the most is held by
    /// as many partitions as are audited at a time.
    /// </summary>
    public static async Task<IReadOnlyList<PartitionReport>> RunAsync(
        IReadOnlyList<int> partitions, int atATime, MachineTopics topics, ILog log, AuditSources sources, AuditSettings settings,
        Differences differences, AuditProgress progress, CancellationToken cancel)
    {
        var reports = new PartitionReport[partitions.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = atATime, CancellationToken = cancel };
        await Parallel.ForAsync(0, partitions.Count, options, async (i, stop) =>
        {
            using var audit = new PartitionAudit(partitions[i], topics, log, sources, settings, differences, progress);
            reports[i] = await audit.RunAsync(stop);
        });
        return reports;
    }
}
