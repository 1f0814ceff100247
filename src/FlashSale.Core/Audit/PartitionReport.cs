using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>What a campaign came to, by the model.</summary>
/// <param name="Claims">Claims in the log.</param>
/// <param name="Refused">Refused claims by reason.</param>
/// <param name="Overtaken">Claims that a door took before some claim that stands before them in the log.</param>
/// <param name="OutcomesHash">SHA-256 over the outcomes in order, where it was asked for.</param>
public sealed record CampaignReport(
    string CampaignId, int Partition, long Quantity, int PerUser, bool IsClosed, long OpensAtMs, long ClosesAtMs,
    long Claims, long Issued, long IssuedBefore, IReadOnlyDictionary<string, long> Refused,
    string? FirstClaim, string? LastClaim, long Overtaken, long OvertakenMsMax, string? OutcomesHash)
{
    internal static CampaignReport Of(int partition, CampaignModel campaign, CampaignTally? tally) => new(
        campaign.CampaignId, partition, campaign.State.Quantity, campaign.State.PerUser, campaign.State.IsClosed, campaign.State.OpensAtMs, campaign.State.ClosesAtMs,
        tally?.Claims ?? 0, tally?[CouponOutcome.Issued] ?? 0, tally?[CouponOutcome.IssuedBefore] ?? 0,
        new SortedDictionary<string, long>((tally?.NotIssued ?? []).Where(n => n.Outcome.IsRefusal()).ToDictionary(n => n.Outcome.Name(), n => n.Count)),
        tally?.FirstClaim?.ToString(), tally?.LastClaim?.ToString(), tally?.Overtaken ?? 0, tally?.OvertakenMsMax ?? 0, tally?.Hash?.Take());
}

/// <summary>What the audit of a partition has looked at.</summary>
/// <param name="Through">The last command record.</param>
/// <param name="Untold">Records at the end that no event has answered yet.</param>
/// <param name="Unapplied">Records at the end that the state had not applied; null where it was not compared.</param>
/// <param name="Unwritten">Records at the end that the ledger had not written; null where it was not compared.</param>
/// <param name="NotCompared">What could not be looked at, and why.</param>
public sealed record PartitionReport(
    GenesisRecord Genesis, RecordPosition Through, long Records, long Commands, long Events, long Repeats, long LedgerRows,
    long Untold, long? Unapplied, long? Unwritten, IReadOnlyList<string> NotCompared, IReadOnlyList<CampaignReport> Campaigns);

/// <summary>How far an audit is; may be read from any thread.</summary>
public sealed class AuditProgress
{
    private long _records;
    private long _commands;
    private long _total;

    /// <summary>Command records audited.</summary>
    public long Records => Interlocked.Read(ref _records);

    public long Commands => Interlocked.Read(ref _commands);

    /// <summary>Command records of the partitions begun.</summary>
    public long RecordsInAll => Interlocked.Read(ref _total);

    internal void Begin(long records) => Interlocked.Add(ref _total, records);

    internal void Done(int commands)
    {
        Interlocked.Increment(ref _records);
        Interlocked.Add(ref _commands, commands);
    }
}
