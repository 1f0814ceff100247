namespace FlashSale.Server.Operations;

/// <summary>Where one partition of a machine stands.</summary>
/// <param name="LogEnd">The next offset of its command partition.</param>
/// <param name="Applied">The last command offset that is decided, as far as this process knows; -1: not known.</param>
/// <param name="Written">The last command offset whose outcomes are in the ledger, where this process writes them; else null.</param>
/// <param name="LagRecords">Records not decided yet.</param>
/// <param name="LagSeconds">For how long the oldest of them has waited.</param>
/// <param name="State">What this process does with it: <c>stopped</c> (another process has it), <c>taking-over</c>, <c>rebuilding</c>, <c>running</c>, <c>waiting</c> or <c>refused</c>.</param>
/// <param name="RebuildTo">While rebuilding: the offset at which it is done.</param>
public sealed record PartitionResponse(
    string Machine, int Partition, long LogEnd, long Applied, long? Told, long? Written, long LagRecords, double LagSeconds,
    string State, string? Reason, long? RebuildTo, string? LedgerState, string? LedgerReason);

public sealed record PartitionsResponse(string? LogId, IReadOnlyList<PartitionResponse> Partitions);

/// <summary>A dead letter.</summary>
/// <param name="Offset">Offset of the dead letter in its own topic.</param>
/// <param name="Address">Where the record stands in the command topic; empty where the letter itself cannot be read.</param>
/// <param name="PayloadBytes">The record's length.</param>
/// <param name="PayloadBase64">Its first 1,024 bytes; <c>flashsale cat</c> shows all of it.</param>
public sealed record DeadLetterResponse(string Topic, int Partition, long Offset, string Address, string Reason, DateTimeOffset At, int PayloadBytes, string PayloadBase64);

/// <summary>Some of the dead letters, newest first.</summary>
/// <param name="Next">The page after this one, or null.</param>
public sealed record DeadLettersResponse(IReadOnlyList<DeadLetterResponse> DeadLetters, bool More, string? Next);

/// <param name="Reasons">Why the process is not ready.</param>
public sealed record HealthResponse(string Status, IReadOnlyList<string> Reasons);
