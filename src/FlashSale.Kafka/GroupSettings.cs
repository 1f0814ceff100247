using Confluent.Kafka;

namespace FlashSale.Kafka;

/// <summary>What the members of a group have in common, whichever engine they run: else they could not share its partitions.</summary>
internal static class GroupSettings
{
    public static string Name(KafkaOptions options, string role) => $"{options.TopicPrefix}flashsale-{role}";

    public static void ApplyTo(ConsumerConfig config, KafkaOptions options)
    {
        config.PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky;
        config.SessionTimeoutMs = (int)options.SessionTimeout.TotalMilliseconds;
        config.HeartbeatIntervalMs = (int)Math.Max(100, options.SessionTimeout.TotalMilliseconds / 6);
        options.ApplyTo(config);
    }
}
