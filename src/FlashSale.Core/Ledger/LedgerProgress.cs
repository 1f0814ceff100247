using FlashSale.Core.Log;

namespace FlashSale.Core.Ledger;

/// <summary>What the ledger writer of a partition is doing.</summary>
public enum LedgerPartitionState
{
    /// <summary>Not running.</summary>
    Stopped = 0,

    /// <summary>Writing, or waiting for events.</summary>
    Running = 1,

    /// <summary>The database does not answer; tried again for ever.</summary>
    DatabaseAway = 2,

    /// <summary>The log does not answer; tried again for ever.</summary>
    LogAway = 3,

    /// <summary>Stopped for good: log and ledger do not fit. <see cref="LedgerProgress.Detail"/> says why.</summary>
    Refused = 4,
}

/// <summary>How far the ledger of a partition is, and what has been counted since the process started. One consistent picture.</summary>
/// <param name="Detail">Why it does not run.</param>
/// <param name="Written">The last command record whose outcomes are known to be written.</param>
/// <param name="EventOffset">The next event to be read; the lag in records is the event partition's end less this.</param>
/// <param name="Commands">Commands of the partition, from the log's start, whose outcomes are written; 0 until this process has written one.</param>
/// <param name="ToldAtMs">When the engine told the last event written, Unix milliseconds; 0 until this process has written one.</param>
/// <param name="Coupons">Coupons written.</param>
/// <param name="Refusals">Refused claims written (as counts).</param>
/// <param name="Records">Event records written.</param>
/// <param name="Batches">Transactions written.</param>
/// <param name="Repeats">Events dropped as they had been written before.</param>
/// <param name="Overtaken">Transactions rolled back as somebody else had written the same records.</param>
/// <param name="DatabaseFailures">Calls to the database that failed.</param>
/// <param name="LogFailures">Reads of the log that failed.</param>
public sealed record LedgerProgress(
    int Partition,
    LedgerPartitionState State = LedgerPartitionState.Stopped,
    string? Detail = null,
    RecordPosition Written = default,
    long EventOffset = 0,
    long Commands = 0,
    long ToldAtMs = 0,
    long Coupons = 0,
    long Refusals = 0,
    long Records = 0,
    long Batches = 0,
    long Repeats = 0,
    long Overtaken = 0,
    long DatabaseFailures = 0,
    long LogFailures = 0);

/// <summary>Is told when the database or the log of a partition goes away and when it is back; once each, however many attempts lie between.</summary>
public interface ILedgerObserver
{
    void DatabaseAway(int partition, Exception error);

    void DatabaseBack(int partition, int failures);

    void LogAway(int partition, Exception error);

    void LogBack(int partition, int failures);
}
