using Confluent.Kafka;
using FlashSale.Core.Log;
using Microsoft.Extensions.Logging;

namespace FlashSale.Kafka;

/// <summary>
/// The engine's appends: never gives up on one record and sends the next. Records do not time out; any delivery error, and any
/// fatal one, ends the producer, and with it every append of it that is still unknown.
/// </summary>
public sealed class GaplessKafkaAppender : IGaplessAppender
{
    private readonly ILogger _logger;
    private readonly Loopback _loopback;
    private readonly IProducer<Null, byte[]> _producer;
    private readonly TaskCompletionSource<long> _brokenResult = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isBroken;

    /// <param name="loopback">Is told of each record that is acknowledged.</param>
    public GaplessKafkaAppender(KafkaOptions options, Loopback loopback, ILogger logger)
    {
        _loopback = loopback;
        _logger = logger;
        _producer = new ProducerBuilder<Null, byte[]>(ProducerSettings.Gapless(options, "flashsale-engine"))
            .SetErrorHandler((_, error) =>
            {
                KafkaLogMessages.ClientError(logger, "engine", error.Reason);
                if (error.IsFatal)
                    Break(error.Reason);
            })
            .SetLogHandler(static (_, _) => { })
            .Build();
    }

    public bool IsBroken => Volatile.Read(ref _isBroken) != 0;

    public Task<long> AppendAsync(string topic, int partition, ReadOnlyMemory<byte> value)
    {
        if (IsBroken)
            return _brokenResult.Task;
        var appended = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            _producer.Produce(new TopicPartition(topic, partition), new Message<Null, byte[]> { Value = value.AsArray() }, report =>
            {
                if (!report.Error.IsError)
                {
                    _loopback.Acknowledged(topic, partition, report.Offset.Value, value);
                    appended.TrySetResult(report.Offset.Value);
                    return;
                }

                Break(report.Error.Reason);
                appended.TrySetException(new LogUnavailableException(report.Error.Reason));
            });
        }
        catch (KafkaException e)
        {
            // Also a full queue: this record is not handed over, so none after it may be.
            Break(e.Error.Reason);
            return _brokenResult.Task;
        }

        // A record that the ended producer never reports on must not be waited for.
        return AwaitAsync(appended.Task);
    }

    public async ValueTask DisposeAsync()
    {
        Break("closed");
        await Task.Run(_producer.Dispose);
    }

    private async Task<long> AwaitAsync(Task<long> appended) => await await Task.WhenAny(appended, _brokenResult.Task);

    private void Break(string reason)
    {
        if (Interlocked.Exchange(ref _isBroken, 1) != 0)
            return;
        KafkaLogMessages.GaplessBroken(_logger, reason);
        _brokenResult.TrySetException(new LogUnavailableException($"the event producer has ended: {reason}"));
    }
}

/// <summary>The process's gapless appender: a new one whenever the last has ended.</summary>
public sealed class GaplessAppenders(KafkaOptions options, Loopback loopback, ILogger<GaplessKafkaAppender> logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private GaplessKafkaAppender? _current;

    public IGaplessAppender Current()
    {
        lock (_gate)
        {
            if (_current is { IsBroken: true } ended)
            {
                _ = ended.DisposeAsync().AsTask();
                _current = null;
            }

            return _current ??= new GaplessKafkaAppender(options, loopback, logger);
        }
    }

    public ValueTask DisposeAsync() => _current?.DisposeAsync() ?? ValueTask.CompletedTask;
}
