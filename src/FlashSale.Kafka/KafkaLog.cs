using System.Collections.Concurrent;
using Confluent.Kafka;
using FlashSale.Core.Log;
using Microsoft.Extensions.Logging;

namespace FlashSale.Kafka;

/// <summary>
/// Reads partitions by one consumer, which belongs to no group: what is read from where is the caller's doing. One thread
/// polls and hands records to their readers; a reader that does not keep up has its partition paused.
/// </summary>
public sealed class KafkaLog : ILog, IAsyncDisposable
{
    /// <summary>Bytes of records that a reader may hold before its partition is paused; it goes on below half of it.</summary>
    private const long ReaderBytesMax = 4 << 20;

    private readonly KafkaOptions _options;
    private readonly ILogger _logger;
    private readonly IConsumer<Ignore, byte[]> _consumer;
    private readonly ConcurrentDictionary<TopicPartition, Reader> _readers = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _polling;

    /// <param name="name">Names the client in the brokers' logs: what the reading is for.</param>
    /// <param name="fetchBytesMin">Bytes for which the broker waits, up to 100 ms, before it answers a fetch. 1 hands every record on at once; for a reader
    /// that is in no hurry, more makes fetches, and their cost on both sides, rarer.</param>
    public KafkaLog(KafkaOptions options, string name, ILogger<KafkaLog> logger, int fetchBytesMin = 1)
    {
        _options = options;
        _logger = logger;
        var config = new ConsumerConfig
        {
            ClientId = $"flashsale-{name}",
            GroupId = $"{options.TopicPrefix}flashsale-no-group",
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            AutoOffsetReset = AutoOffsetReset.Error,
            CheckCrcs = true,
            // A partition added while a fetch waits at the broker is fetched only with the next one.
            FetchWaitMaxMs = 100,
            FetchMinBytes = fetchBytesMin,
            FetchErrorBackoffMs = 100,
            FetchQueueBackoffMs = 10,
            QueuedMinMessages = 1_000,
            QueuedMaxMessagesKbytes = 16 * 1_024,
            FetchMaxBytes = 32 << 20,
        };
        options.ApplyTo(config);
        _consumer = new ConsumerBuilder<Ignore, byte[]>(config)
            .SetErrorHandler((_, error) => KafkaLogMessages.ClientError(logger, name, error.Reason))
            .SetLogHandler(static (_, _) => { })
            .Build();
        _polling = Task.Factory.StartNew(Poll, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public ILogReader Read(string topic, int partition, long fromOffset)
    {
        var at = new TopicPartition(topic, partition);
        var reader = new Reader(this, at, fromOffset);
        if (!_readers.TryAdd(at, reader))
            throw new InvalidOperationException($"{topic} [{partition}] is already being read");
        try
        {
            _consumer.IncrementalAssign([new TopicPartitionOffset(at, fromOffset)]);
            return reader;
        }
        catch (KafkaException e)
        {
            _readers.TryRemove(at, out _);
            throw new LogUnavailableException($"{at} cannot be read: {e.Error.Reason}", e);
        }
    }

    public async ValueTask<LogBounds> BoundsAsync(string topic, int partition, CancellationToken cancel)
    {
        try
        {
            // The client's call blocks, and many partitions ask at a time when a process starts or takes over: a pool of as many threads as there are
            // cores would grow by one in half a second.
            var found = await Task.Factory.StartNew(
                () => Bounds(new TopicPartition(topic, partition)), cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(cancel);
            return new LogBounds(found.Low.Value, found.High.Value);
        }
        catch (KafkaException e)
        {
            throw new LogUnavailableException($"Kafka does not tell the bounds of {topic} [{partition}]: {e.Error.Reason}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _polling;
        foreach (var reader in _readers.Values)
            reader.Fail(new LogUnavailableException("the client was closed"));
        await Task.Run(() =>
        {
            _consumer.Close();
            _consumer.Dispose();
        });
        _stop.Dispose();
    }

    private WatermarkOffsets Bounds(TopicPartition at)
    {
        try
        {
            return _consumer.QueryWatermarkOffsets(at, _options.AdminTimeout);
        }
        catch (KafkaException)
        {
            // Where it has once learned of a partition without a leader, as while a topic is being created, the client takes that for final and asks the
            // brokers no more (librdkafka 2.8, rd_kafka_topic_partition_list_get_leaders), for minutes. Asked for here, they are heard the next time.
            using var admin = new DependentAdminClientBuilder(_consumer.Handle).Build();
            admin.GetMetadata(at.Topic, _options.AdminTimeout);
            throw;
        }
    }

    private void Poll()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (_consumer.Consume(TimeSpan.FromMilliseconds(100)) is { } record && _readers.TryGetValue(record.TopicPartition, out var reader))
                    reader.Take(record);
            }
            catch (ConsumeException e)
            {
                var at = e.ConsumerRecord?.TopicPartition;
                if (at is not null && _readers.TryGetValue(at, out var reader))
                    reader.Fail(new LogUnavailableException($"Kafka does not give {at} from offset {e.ConsumerRecord!.Offset.Value}: {e.Error.Reason}", e));
                else
                    KafkaLogMessages.ClientError(_logger, "poll", e.Error.Reason);
            }
        }
    }

    private void Close(Reader reader)
    {
        if (!_readers.TryGetValue(reader.At, out var current) || current != reader)
            return;
        try
        {
            // Before the place is free: what is assigned next must not be taken away again. The client keeps a pause beyond the
            // assignment: the partition's next reader would never get a record.
            if (reader.Stop() && !_stop.IsCancellationRequested)
                _consumer.Resume([reader.At]);
            if (!_stop.IsCancellationRequested)
                _consumer.IncrementalUnassign([reader.At]);
        }
        catch (KafkaException e)
        {
            KafkaLogMessages.ClientError(_logger, reader.At.Topic, e.Error.Reason);
        }
        finally
        {
            _readers.TryRemove(reader.At, out _);
        }
    }

    private void SetPaused(TopicPartition at, bool paused)
    {
        try
        {
            if (paused)
                _consumer.Pause([at]);
            else
                _consumer.Resume([at]);
        }
        catch (KafkaException e)
        {
            // The partition is being unassigned: there is nothing to pause.
            KafkaLogMessages.ClientError(_logger, at.Topic, e.Error.Reason);
        }
    }

    private sealed class Reader(KafkaLog log, TopicPartition at, long from) : ILogReader
    {
        private readonly Lock _gate = new();
        private readonly Queue<LogRecord> _records = [];
        private TaskCompletionSource? _wanted;
        private Exception? _fault;
        private long _bytes;
        private long _next = from;
        private bool _paused;
        private bool _stopped;

        public TopicPartition At => at;

        public async ValueTask<IReadOnlyList<LogRecord>> ReadAsync(int recordsMax, int bytesMax, CancellationToken cancel)
        {
            while (true)
            {
                Task wanted;
                lock (_gate)
                {
                    if (_records.Count > 0)
                        return Dequeue(recordsMax, bytesMax);
                    if (_fault is not null)
                        throw _fault;
                    _wanted ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    wanted = _wanted.Task;
                }

                await wanted.WaitAsync(cancel);
            }
        }

        public void Take(ConsumeResult<Ignore, byte[]> record)
        {
            TaskCompletionSource? wanted;
            var value = record.Message.Value ?? [];
            lock (_gate)
            {
                // A record of an earlier assignment of the partition may still arrive, before or behind our place.
                if (record.Offset.Value < _next || _fault is not null || _stopped)
                    return;
                if (record.Offset.Value > _next)
                    _fault = new LogUnavailableException($"{at} gave offset {record.Offset.Value} where {_next} was due: records are missing (deleted, compacted or written in a transaction), if this is told again and again");
                else
                    Enqueue(record, value);
                wanted = _wanted;
                _wanted = null;
            }

            wanted?.TrySetResult();
        }

        /// <summary>Takes nothing more; says whether the partition is paused, which from now on nobody changes but the caller.</summary>
        public bool Stop()
        {
            lock (_gate)
            {
                _stopped = true;
                return _paused;
            }
        }

        public void Fail(Exception fault)
        {
            TaskCompletionSource? wanted;
            lock (_gate)
            {
                _fault = fault;
                wanted = _wanted;
                _wanted = null;
            }

            wanted?.TrySetResult();
        }

        public ValueTask DisposeAsync()
        {
            log.Close(this);
            return ValueTask.CompletedTask;
        }

        private void Enqueue(ConsumeResult<Ignore, byte[]> record, byte[] value)
        {
            _next = record.Offset.Value + 1;
            _records.Enqueue(new LogRecord(record.Offset.Value, value, record.Message.Timestamp.UnixTimestampMs));
            _bytes += value.Length;
            if (!_paused && _bytes > ReaderBytesMax)
                log.SetPaused(at, _paused = true);
        }

        private List<LogRecord> Dequeue(int recordsMax, int bytesMax)
        {
            var records = new List<LogRecord>(Math.Min(recordsMax, _records.Count));
            var bytes = 0L;
            while (records.Count < recordsMax && bytes < bytesMax && _records.TryDequeue(out var record))
            {
                records.Add(record);
                bytes += record.Value.Length;
            }

            _bytes -= bytes;
            if (_paused && _bytes < ReaderBytesMax / 2)
                log.SetPaused(at, _paused = false);
            return records;
        }
    }
}
