using Microsoft.Extensions.Logging;

namespace FlashSale.Kafka;

/// <summary>What this project logs. Event ids 100 to 199.</summary>
internal static partial class KafkaLogMessages
{
    [LoggerMessage(100, LogLevel.Warning, "Kafka client {Name}: {Reason}")]
    public static partial void ClientError(ILogger logger, string name, string reason);

    [LoggerMessage(101, LogLevel.Warning, "An append of the front door to {Topic} [{Partition}] failed or its result is unknown: {Reason}")]
    public static partial void AppendFailed(ILogger logger, string topic, int partition, string reason);

    [LoggerMessage(102, LogLevel.Warning, "The event producer is ended after an error, its partitions are taken over anew: {Reason}")]
    public static partial void GaplessBroken(ILogger logger, string reason);

    [LoggerMessage(103, LogLevel.Information, "Created topic {Topic} with {Partitions} partitions")]
    public static partial void TopicCreated(ILogger logger, string topic, int partitions);

    [LoggerMessage(104, LogLevel.Warning, "{Warning}")]
    public static partial void SettingsWarning(ILogger logger, string warning);

    [LoggerMessage(105, LogLevel.Information, "Group {Group}: partitions {Assigned} assigned, now {Count}")]
    public static partial void Assigned(ILogger logger, string group, string assigned, int count);

    [LoggerMessage(106, LogLevel.Information, "Group {Group}: partitions {Revoked} given back, now {Count}")]
    public static partial void Revoked(ILogger logger, string group, string revoked, int count);

    [LoggerMessage(107, LogLevel.Warning, "Group {Group}: {Reason}")]
    public static partial void GroupError(ILogger logger, string group, string reason);
}
