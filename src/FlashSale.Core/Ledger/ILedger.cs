using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Ledger;

/// <summary>How far a partition's outcomes are in the ledger.</summary>
/// <param name="Written">The last command record whose outcomes are written; offset 0 (the genesis) where none is.</param>
/// <param name="EventOffset">Where reading the event partition goes on; a hint, as repeats are dropped by <paramref name="Written"/>.</param>
public sealed record LedgerMark(LogId Log, RecordPosition Written, long EventOffset);

/// <summary>An issued coupon. Its row is identified by its address.</summary>
public readonly record struct LedgerCoupon(
    RecordAddress Address, string CampaignId, string UserId, string CouponCode, int Sequence, ulong ClaimId, long InstantMs);

/// <summary>A refused claim; kept one by one only with <c>Ledger:EveryRefusal</c>.</summary>
public readonly record struct LedgerRefusal(RecordAddress Address, string CampaignId, string UserId, CouponOutcome Reason, long InstantMs);

/// <summary>How many claims of a campaign were refused for one reason, to be added to the count kept.</summary>
public readonly record struct LedgerRefusalCount(string CampaignId, CouponOutcome Reason, long Count);

/// <summary>A campaign as of the batch's end; replaces the row kept.</summary>
/// <param name="Description">Null where the batch does not change it.</param>
public sealed record LedgerCampaign(string CampaignId, int Partition, CampaignState State, string? Description);

/// <summary>What the outcomes of consecutive records come to, written in one transaction that moves the mark from <see cref="Before"/> to <see cref="After"/>.</summary>
public sealed record LedgerBatch(
    int Partition,
    LedgerMark Before,
    LedgerMark After,
    IReadOnlyList<LedgerCoupon> Coupons,
    IReadOnlyList<LedgerRefusalCount> RefusalCounts,
    IReadOnlyList<LedgerRefusal> Refusals,
    IReadOnlyList<LedgerCampaign> Campaigns);

/// <summary>The database that keeps the outcomes. Adapters only translate: retries and what to write are decided by <c>LedgerPartition</c>.</summary>
public interface ILedger
{
    /// <summary>Creates or updates the tables. Safe to be run by several processes at once.</summary>
    /// <exception cref="LedgerUnavailableException">The database did not answer.</exception>
    Task MigrateAsync(CancellationToken cancel);

    /// <summary>The mark of a partition, or null where nothing has been written of it.</summary>
    /// <exception cref="LedgerUnavailableException">The database did not answer.</exception>
    Task<LedgerMark?> ReadMarkAsync(int partition, CancellationToken cancel);

    /// <summary>Writes the batch in one transaction; false, with nothing written, where the stored mark is not <see cref="LedgerBatch.Before"/> (somebody else has written it).</summary>
    /// <exception cref="LedgerUnavailableException">Deadlock, lost connection, no answer: it may be written.</exception>
    Task<bool> WriteAsync(LedgerBatch batch, CancellationToken cancel);
}

/// <summary>The database did not answer, or gave the transaction up. May pass.</summary>
public sealed class LedgerUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
