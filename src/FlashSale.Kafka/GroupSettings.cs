using Confluent.Kafka;

namespace FlashSale.Kafka;

/// <summary>What the members of a group have in common, whichever engine they run: else they could not share its partitions.</summary>
internal static class GroupSettings
{
    /// <summary>Members learn of a change of the group by the answer to a heartbeat, and a partition that moves needs two of them: often enough for less than a second, three times a second by default.</summary>
    private const int HeartbeatsPerSession = 20;

    public static string Name(KafkaOptions options, string role) => $"{options.TopicPrefix}flashsale-{role}";

    public static void ApplyTo(ConsumerConfig config, KafkaOptions options)
    {
        config.PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky;
        config.SessionTimeoutMs = (int)options.SessionTimeout.TotalMilliseconds;
        config.HeartbeatIntervalMs = (int)Math.Max(100, options.SessionTimeout.TotalMilliseconds / HeartbeatsPerSession);
        options.ApplyTo(config);
    }
}
