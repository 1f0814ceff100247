using System.Diagnostics;
using FlashSale.Core.Audit;

namespace FlashSale.Cli.Audit;

/// <summary>What an audit has found; this is what --json writes.</summary>
/// <param name="Result"><c>fine</c>, <c>differences</c>, or <c>not-compared</c> where something could not be looked at.</param>
/// <param name="First">The first differences; all of them are counted.</param>
internal sealed record AuditReport(
    string Result, double Seconds, double CommandsPerSecond, string LogId, int Partitions, long Records, long Commands, long Events, long Repeats,
    long LedgerRows, AuditCompared Compared, AuditLag Lag, IReadOnlyList<string> NotCompared, long Differences,
    IReadOnlyDictionary<string, long> DifferencesByInvariant, IReadOnlyList<Difference> First, IReadOnlyList<CampaignReport> Campaigns, double PeakMegabytes)
{
    public const string Fine = "fine";
    public const string Different = "differences";
    public const string Incomplete = "not-compared";

    public static AuditReport Of(IReadOnlyList<PartitionReport> partitions, Differences differences, AuditCompared compared, string? onlyCampaign, TimeSpan elapsed)
    {
        string[] notCompared = [.. partitions.SelectMany(p => p.NotCompared)];
        long commands = partitions.Sum(p => p.Commands);
        return new AuditReport(
            differences.Count > 0 ? Different : notCompared.Length > 0 ? Incomplete : Fine,
            Math.Round(elapsed.TotalSeconds, 3), Math.Round(commands / Math.Max(elapsed.TotalSeconds, 0.001)),
            partitions[0].Genesis.Log.ToString(), partitions.Count, partitions.Sum(p => p.Records), commands, partitions.Sum(p => p.Events), partitions.Sum(p => p.Repeats),
            partitions.Sum(p => p.LedgerRows), compared,
            new AuditLag(partitions.Sum(p => p.Untold), Sum(partitions, p => p.Unapplied), Sum(partitions, p => p.Unwritten)),
            notCompared, differences.Count, differences.Counts.ToDictionary(c => c.Key.ToString(), c => c.Value), differences.First,
            [.. partitions.SelectMany(p => p.Campaigns).Where(c => onlyCampaign is null || c.CampaignId == onlyCampaign)],
            Math.Round(Process.GetCurrentProcess().PeakWorkingSet64 / 1e6));
    }

    private static long? Sum(IReadOnlyList<PartitionReport> partitions, Func<PartitionReport, long?> of) =>
        partitions.All(p => of(p) is null) ? null : partitions.Sum(p => of(p) ?? 0);
}

/// <summary>What the log was compared with.</summary>
/// <param name="Told">Accepted claims of which a storm was told something; null without such a file.</param>
internal sealed record AuditCompared(bool Events, bool Redis, bool Ledger, long? Told);

/// <summary>Records at the end of the log that each had not come to yet when the audit began.</summary>
internal sealed record AuditLag(long Events, long? Redis, long? Ledger);
