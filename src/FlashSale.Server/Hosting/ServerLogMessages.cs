using FlashSale.Core.Log;

namespace FlashSale.Server;

/// <summary>What the host logs. Event ids 300 to 399.</summary>
internal static partial class ServerLogMessages
{
    [LoggerMessage(300, LogLevel.Information, "FlashSale starts: roles {Roles}, profile {Profile}, engine direct")]
    public static partial void Starting(ILogger logger, string roles, string profile);

    [LoggerMessage(301, LogLevel.Warning, "Waiting for {What}: {Reason}")]
    public static partial void WaitingFor(ILogger logger, string what, string reason);

    [LoggerMessage(302, LogLevel.Information, "Log {LogId} of {Partitions} partitions")]
    public static partial void Identified(ILogger logger, LogId logId, int partitions);

    [LoggerMessage(303, LogLevel.Warning, "{Warning}")]
    public static partial void StartWarning(ILogger logger, string warning);

    [LoggerMessage(304, LogLevel.Critical, "Refused: {Reason}")]
    public static partial void Refused(ILogger logger, string reason);

    [LoggerMessage(305, LogLevel.Information, "Partition {Partition}: {State} (applied {Applied}, told {Told})")]
    public static partial void PartitionChanged(ILogger logger, int partition, string state, long applied, long told);

    [LoggerMessage(306, LogLevel.Warning, "Partition {Partition}: {State}: {Reason}")]
    public static partial void PartitionInTrouble(ILogger logger, int partition, string state, string reason);

    [LoggerMessage(307, LogLevel.Warning, "Record {Address} cannot be read: decided as undecodable, and copied to the dead letters")]
    public static partial void DeadLettered(ILogger logger, RecordAddress address);

    [LoggerMessage(308, LogLevel.Warning, "Events of partition {Partition}: {Reason}")]
    public static partial void FollowerFaulted(ILogger logger, int partition, string reason);

    [LoggerMessage(309, LogLevel.Warning, "Ledger of partition {Partition}: {What}: {Reason}")]
    public static partial void LedgerAway(ILogger logger, int partition, string what, string reason);

    [LoggerMessage(310, LogLevel.Information, "Ledger of partition {Partition}: {What} again after {Failures} failures")]
    public static partial void LedgerBack(ILogger logger, int partition, string what, long failures);

    [LoggerMessage(311, LogLevel.Warning, "A bearer token was refused: {Reason}")]
    public static partial void TokenRefused(ILogger logger, string reason);

    [LoggerMessage(312, LogLevel.Information, "Rebuilding partition {Partition}: applied {Applied} of {To}")]
    public static partial void Rebuilding(ILogger logger, int partition, long applied, long to);

    [LoggerMessage(313, LogLevel.Warning, "The broker is embedded: not a real broker, memory only, everything is gone when this process ends")]
    public static partial void NotARealBroker(ILogger logger);

    [LoggerMessage(314, LogLevel.Error, "Request {Method} {Path} failed")]
    public static partial void RequestFailed(ILogger logger, string method, string path, Exception exception);

    [LoggerMessage(315, LogLevel.Critical, "A part of the process has ended unexpectedly; the process ends")]
    public static partial void Unexpected(ILogger logger, Exception exception);

    [LoggerMessage(320, LogLevel.Information, "Engine: {Engine} ({Why})")]
    public static partial void Engine(ILogger logger, string engine, string why);
}
