using FlashSale.Core.Engine;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>A campaign as the state holds it, in the layouts of docs/log-format.md.</summary>
public sealed record StateCampaign(string CampaignId, ReadOnlyMemory<byte> State, ReadOnlyMemory<byte> Description, ReadOnlyMemory<byte> Changes);

/// <summary>A partition's state at one instant, except the coupons.</summary>
/// <param name="Recent">Outcomes kept by command offset: of the records that are not known to be told.</param>
public sealed record StateCut(
    FenceState State, RecordPosition Applied, long Commands, long Told, IReadOnlyList<StateCampaign> Campaigns, IReadOnlyDictionary<long, byte[]> Recent)
{
    public static StateCut Refused(FenceState state) => new(state, default, 0, 0, [], new Dictionary<long, byte[]>());
}

/// <summary>A user's coupons in the state.</summary>
/// <param name="Field">Campaign number u16, then the user's id.</param>
/// <param name="Coupons">Coupons in the layout of <see cref="Coupons.ClaimEntry"/>; null where the state has none.</param>
public readonly record struct StateUser(byte[] Field, byte[]? Coupons);

/// <summary>Reads the state of a partition in bounded pieces; each piece is of one instant.</summary>
/// <exception cref="StoreUnavailableException">From every method: no answer, or the state is not whole any more.</exception>
public interface IStateSource
{
    Task<StateCut> ReadCutAsync(int partition, LogId log);

    /// <summary>The coupons of some users, found as a claim finds them.</summary>
    Task<IReadOnlyList<StateUser>> ReadUsersAsync(int partition, LogId log, IReadOnlyList<byte[]> fields);

    /// <summary>Some of all that is held by anybody, wherever it is, and where to go on (0: that was the end). May yield the same twice.</summary>
    Task<(long Cursor, IReadOnlyList<StateUser> Users)> ScanUsersAsync(int partition, LogId log, long cursor);
}

/// <summary>What the ledger says of a partition at one instant, except the coupons.</summary>
public sealed record LedgerCut(LedgerMark Mark, IReadOnlyList<LedgerRefusalCount> Refusals, IReadOnlyList<LedgerCampaign> Campaigns);

/// <summary>The command offset of the coupon with a campaign's highest sequence number.</summary>
public readonly record struct LedgerLast(string CampaignId, long Offset);

/// <summary>Reads the ledger of a partition.</summary>
/// <exception cref="LedgerUnavailableException">From every method: no answer, or no tables.</exception>
public interface ILedgerSource
{
    /// <summary>Null where nothing has been written.</summary>
    Task<LedgerCut?> ReadCutAsync(int partition, CancellationToken cancel);

    /// <summary>Rows of a campaign's coupons behind a sequence number, in the order of those.</summary>
    Task<IReadOnlyList<LedgerCoupon>> ReadCouponsAsync(string campaignId, int afterSequence, int rowsMax, CancellationToken cancel);

    /// <summary>The last coupon of each campaign of the partition that has any, then (in this order) the mark.</summary>
    Task<(IReadOnlyList<LedgerLast> Last, LedgerMark? Mark)> ReadEndAsync(int partition, CancellationToken cancel);
}
