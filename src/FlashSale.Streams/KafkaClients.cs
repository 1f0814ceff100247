using Confluent.Kafka;
using FlashSale.Kafka;
using Microsoft.Extensions.Logging;
using Streamiz.Kafka.Net.Kafka;
using Streamiz.Kafka.Net.Metrics;

namespace FlashSale.Streams;

/// <summary>The Kafka clients of Streamiz, with the settings that the direct engine's have.</summary>
/// <param name="pollTime">How long the thread waits for records, <see cref="FlashSale.Core.Engine.StreamizOptions.PollTime"/>.</param>
/// <param name="handedOver">Is told of each record that a consumer hands over.</param>
/// <param name="acknowledged">Is told of each event that is in the log.</param>
/// <param name="flushMax">How long a flush may wait for acknowledgements.</param>
/// <param name="giveUp">Ends all such waiting.</param>
/// <param name="stop">The process ends.</param>
internal sealed class KafkaClients(
    IKafkaSupplier inner, KafkaOptions options, TimeSpan pollTime, HandedOver handedOver, Acknowledged acknowledged, TimeSpan flushMax, CancellationToken giveUp, CancellationToken stop, ILogger logger) : IKafkaSupplier
{
    public StreamMetricsRegistry MetricsRegistry
    {
        get => inner.MetricsRegistry;
        set => inner.MetricsRegistry = value;
    }

    public IConsumer<byte[], byte[]> GetConsumer(ConsumerConfig config, IConsumerRebalanceListener rebalanceListener)
    {
        GroupSettings.ApplyTo(config, options);
        // A place that is gone (the log has lost its end) ends the stream, and all partitions are taken over anew.
        config.AutoOffsetReset = AutoOffsetReset.Error;
        config.EnableAutoCommit = false;
        config.FetchWaitMaxMs = 100;
        config.FetchErrorBackoffMs = 100;
        config.FetchQueueBackoffMs = 10;
        config.QueuedMinMessages = 1_000;
        config.QueuedMaxMessagesKbytes = 16 * 1_024;
        var member = new PromptMember();
        return BoundedConsumer.Of(new ConsumerBuilder<byte[], byte[]>(config)
            .SetPartitionsAssignedHandler((consumer, assigned) =>
            {
                rebalanceListener.PartitionsAssigned(consumer, assigned);
                member.Assigned(consumer, assigned.Count + consumer.Assignment.Count > 0);
                // What is in the log already is read by the partition that takes over.
                return assigned.Select(static p => new TopicPartitionOffset(p, Offset.End));
            })
            .SetPartitionsRevokedHandler(rebalanceListener.PartitionsRevoked)
            .SetLogHandler(static (_, _) => { })
            .SetErrorHandler((_, error) => StreamsLogMessages.ClientError(logger, error.Reason))
            .Build(), pollTime, handedOver, stop);
    }

    public IProducer<byte[], byte[]> GetProducer(ProducerConfig config)
    {
        foreach (var (key, value) in ProducerSettings.Gapless(options, config.ClientId))
            config.Set(key, value);
        // Streamiz looks at the record in its reports.
        config.DeliveryReportFields = "all";
        return AcknowledgedProducer.Of(UnawaitedEnd.Of(inner.GetProducer(config)), acknowledged, flushMax, giveUp);
    }

    public IConsumer<byte[], byte[]> GetRestoreConsumer(ConsumerConfig config) => inner.GetRestoreConsumer(Secured(config));

    public IAdminClient GetAdmin(AdminClientConfig config) => UnawaitedEnd.Of(inner.GetAdmin(Secured(config)));

    public IConsumer<byte[], byte[]> GetGlobalConsumer(ConsumerConfig config) => inner.GetGlobalConsumer(Secured(config));

    private T Secured<T>(T config) where T : ClientConfig
    {
        options.ApplyTo(config);
        return config;
    }
}
