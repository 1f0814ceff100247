using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>Who may apply to a partition's state. A new owner stores a higher number; the random nonce tells two owners apart that drew the same number from a store that forgot.</summary>
public readonly record struct OwnerToken(long Number, ulong Nonce);

/// <summary>What the fence found when a partition's state was called (the table "the applied-offset fence" in docs/architecture.md). The numbers are in the Lua scripts.</summary>
public enum FenceState
{
    /// <summary>All as expected.</summary>
    Held = 0,

    /// <summary>A higher token is stored: somebody has taken the partition over.</summary>
    TakenOver = 1,

    /// <summary>The stored token is lower than ours, or applied is behind what we know: the store lost acknowledged writes.</summary>
    Behind = 2,

    /// <summary>Applied is ahead of what we expected, under our own token: an answer to us was lost.</summary>
    Ahead = 3,

    /// <summary>No state, or a part of its keys is not there.</summary>
    Missing = 4,

    /// <summary>A script broke between its first and its last write.</summary>
    Torn = 5,

    /// <summary>The state belongs to another log.</summary>
    OtherLog = 6,

    /// <summary>At the applied offset the store saw another record than the log holds now.</summary>
    OtherRecord = 7,
}

/// <summary>What a new owner finds.</summary>
/// <param name="Commands">Commands decided up to <paramref name="Applied"/>.</param>
/// <param name="Told">How far outcomes are known to have been told; may be too low.</param>
/// <param name="Recent">Outcomes by command offset, of records not yet told.</param>
public sealed record TakeOverResult(
    FenceState State, OwnerToken Token, RecordPosition Applied, long Commands, long Told, IReadOnlyDictionary<long, byte[]> Recent)
{
    private static readonly Dictionary<long, byte[]> NoRecent = [];

    public static TakeOverResult Refused(FenceState state) => new(state, default, default, 0, -1, NoRecent);
}

/// <summary>Consecutive command records to be applied in one step. Without any, only the fence is looked at and <paramref name="Told"/> moved.</summary>
/// <param name="Expected">The record before the first one: what must be applied now.</param>
/// <param name="Told">How far outcomes have been told and acknowledged.</param>
public sealed record ApplyBatch(
    LogId Log, OwnerToken Token, RecordPosition Expected, long Told, IReadOnlyList<CommandToApply> Records);

/// <summary>A command record with what looking it over gave.</summary>
public readonly record struct CommandToApply(long Offset, CommandRecordInfo Info, ReadOnlyMemory<byte> Value)
{
    public RecordPosition Position => new(Offset, Info.Id);
}

/// <summary>The outcomes of each record of a batch, or why nothing was applied.</summary>
public sealed record ApplyResult(FenceState State, IReadOnlyList<byte[]> Outcomes)
{
    public static ApplyResult Refused(FenceState state) => new(state, []);
}

/// <summary>
/// Holds the state of a machine's partitions and applies records to it atomically. Every call either happens entirely or
/// not at all, and is answered by the state it found; adapters only translate. Calls for one partition take effect in the
/// order in which they were made, or fail.
/// </summary>
public interface IStateStore
{
    /// <summary>Makes the caller the owner: stores a token above the one found, and tells what is there. Changes nothing unless the state is whole and of this log.</summary>
    /// <exception cref="StoreUnavailableException">No answer; it may have happened.</exception>
    Task<TakeOverResult> TakeOverAsync(int partition, LogId log, ulong nonce);

    /// <summary>Begins a rebuild: replaces a missing or torn state by the empty one after the genesis record. Refused as <see cref="FenceState.TakenOver"/> if the state has become whole meanwhile.</summary>
    /// <exception cref="StoreUnavailableException">No answer; it may have happened.</exception>
    Task<FenceState> ResetAsync(int partition, GenesisRecord genesis, OwnerToken token);

    /// <summary>Applies a batch behind the fence.</summary>
    /// <exception cref="StoreUnavailableException">No answer; it may have happened.</exception>
    Task<ApplyResult> ApplyAsync(int partition, ApplyBatch batch);
}

/// <summary>The state store did not answer in time, or refused the call. May pass.</summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
