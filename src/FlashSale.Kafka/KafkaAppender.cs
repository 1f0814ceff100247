using Confluent.Kafka;
using FlashSale.Core.Log;
using Microsoft.Extensions.Logging;

namespace FlashSale.Kafka;

/// <summary>The front door's appends: idempotent, acknowledged by all in-sync replicas, given up after <see cref="KafkaOptions.AppendTimeout"/>. A producer that has ended with a fatal error is replaced.</summary>
public sealed class KafkaAppender : ILogAppender, IDisposable
{
    private readonly KafkaOptions _options;
    private readonly ILogger<KafkaAppender> _logger;
    private readonly Lock _gate = new();
    private Producer _producer;

    public KafkaAppender(KafkaOptions options, ILogger<KafkaAppender> logger)
    {
        _options = options;
        _logger = logger;
        _producer = Build();
    }

    public Task<long> AppendAsync(string topic, int partition, ReadOnlyMemory<byte> value)
    {
        var appended = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        var producer = Volatile.Read(ref _producer);
        try
        {
            producer.Client.Produce(new TopicPartition(topic, partition), new Message<Null, byte[]> { Value = value.AsArray() }, report =>
            {
                if (report.Error.IsError)
                    Fail(producer, appended, topic, partition, report.Error);
                else
                    appended.TrySetResult(report.Offset.Value);
            });
        }
        catch (KafkaException e)
        {
            Fail(producer, appended, topic, partition, e.Error);
        }

        return AwaitAsync(appended.Task, producer.Ended.Task);
    }

    public void Dispose() => _producer.Client.Dispose();

    /// <summary>A producer that has ended reports on nothing any more: what it had in flight must not be waited for.</summary>
    private static async Task<long> AwaitAsync(Task<long> appended, Task<long> ended) => await await Task.WhenAny(appended, ended);

    private void Fail(Producer producer, TaskCompletionSource<long> appended, string topic, int partition, Error error)
    {
        if (error.IsFatal)
            Replace(producer);
        KafkaLogMessages.AppendFailed(_logger, topic, partition, error.Reason);
        appended.TrySetException(new LogUnavailableException(error.Reason));
    }

    private void Replace(Producer ended)
    {
        lock (_gate)
        {
            if (_producer != ended)
                return;
            Volatile.Write(ref _producer, Build());
        }

        // Not here: this may be the ended producer's own callback thread.
        _ = Task.Run(ended.Client.Dispose);
        ended.Ended.TrySetException(new LogUnavailableException("the producer has ended"));
    }

    private Producer Build()
    {
        var config = ProducerSettings.Of(_options, "flashsale-door");
        config.MessageTimeoutMs = (int)_options.AppendTimeout.TotalMilliseconds;
        return new Producer(new ProducerBuilder<Null, byte[]>(config)
            .SetErrorHandler((_, error) => KafkaLogMessages.ClientError(_logger, "door", error.Reason))
            .SetLogHandler(static (_, _) => { })
            .Build());
    }

    private sealed record Producer(IProducer<Null, byte[]> Client)
    {
        public TaskCompletionSource<long> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>What the producers have in common.</summary>
internal static class ProducerSettings
{
    /// <summary>Largest record: a dead letter may hold a garbage record of Kafka's default limit (1 MB) and its address.</summary>
    public const int RecordBytesMax = 2 << 20;

    /// <summary>Of a producer that never gives up on one record and sends the next.</summary>
    public static ProducerConfig Gapless(KafkaOptions options, string clientId)
    {
        var config = Of(options, clientId);
        config.MessageTimeoutMs = 0;
        config.EnableGaplessGuarantee = true;
        return config;
    }

    public static ProducerConfig Of(KafkaOptions options, string clientId)
    {
        var config = new ProducerConfig
        {
            ClientId = clientId,
            Acks = Acks.All,
            EnableIdempotence = true,
            // Records are batches already; waiting for more would only add latency.
            LingerMs = 0,
            MessageMaxBytes = RecordBytesMax,
            QueueBufferingMaxKbytes = 256 * 1_024,
            RetryBackoffMs = 50,
            RetryBackoffMaxMs = 500,
            EnableDeliveryReports = true,
            DeliveryReportFields = "status",
        };
        options.ApplyTo(config);
        return config;
    }

    /// <summary>The memory's array, without a copy where it is a whole one.</summary>
    public static byte[] AsArray(this ReadOnlyMemory<byte> value) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(value, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
            ? segment.Array
            : value.ToArray();
}
