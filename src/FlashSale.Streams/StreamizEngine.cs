using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using Microsoft.Extensions.Logging;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Kafka;

namespace FlashSale.Streams;

/// <summary>Runs a machine as a Streamiz topology. A stream that ends by itself, as its client has failed for good, is replaced by a new one.</summary>
public sealed class StreamizEngine : IMachineEngine
{
    private readonly MachineTopics _topics;
    private readonly Func<int, SequentialPartition> _open;
    private readonly KafkaOptions _kafka;
    private readonly EngineOptions _engine;
    private readonly StreamizOptions _options;
    private readonly Loopback _loopback;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly Place[] _places;
    private readonly HandedOver _handedOver;

    /// <param name="open">Makes what runs a partition; a new one for each time that the group assigns it.</param>
    /// <param name="loopback">Is told of each event that is acknowledged.</param>
    public StreamizEngine(
        MachineTopics topics, Func<int, SequentialPartition> open, KafkaOptions kafka, EngineOptions engine, StreamizOptions options, Loopback loopback, TimeProvider time, ILoggerFactory loggers)
    {
        (_topics, _open, _kafka, _engine, _options, _loopback, _time, _loggers) = (topics, open, kafka, engine, options, loopback, time, loggers);
        _logger = loggers.CreateLogger<StreamizEngine>();
        _places = [.. Enumerable.Range(0, kafka.Partitions).Select(p => new Place(p))];
        _handedOver = new HandedOver(kafka.Partitions);
    }

    /// <inheritdoc/>
    public IReadOnlyList<IMachinePartition> Partitions => _places;

    /// <inheritdoc/>
    public async Task RunAsync(CancellationToken stop)
    {
        using var giveUp = new CancellationTokenSource();
        await using var giveUpAfterStop = stop.Register(() => giveUp.CancelAfter(_engine.DrainTimeout));
        while (!stop.IsCancellationRequested)
        {
            var fault = await RunStreamAsync(giveUp.Token, stop);
            if (stop.IsCancellationRequested)
                return;
            StreamsLogMessages.StreamEnded(_logger, fault?.Message ?? "no reason is known");
            await Task.Delay(_engine.BackoffMax, _time, stop).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Runs one stream until it ends, and yields why, or until it is stopped.</summary>
    private async Task<Exception?> RunStreamAsync(CancellationToken giveUp, CancellationToken stop)
    {
        var ended = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var config = Configure(fault => ended.TrySetResult(fault));
        var clients = new KafkaClients(
            new DefaultKafkaClientSupplier(new KafkaLoggerAdapter(config), config), _kafka, _options.PollTime, _handedOver,
            Told, _engine.DrainTimeout, giveUp, stop, _logger);
        var stream = new KafkaStream(CouponTopology.Build(_topics, Open, _handedOver, _engine.BatchRecordsMax, _time), config, clients);
        stream.StateChanged += (_, state) =>
        {
            if (state == KafkaStream.State.ERROR)
                ended.TrySetResult(null);
        };
        await stream.StartAsync();
        await Task.WhenAny(ended.Task, Task.Delay(Timeout.Infinite, stop));
        // It joins its threads.
        await Task.Factory.StartNew(stream.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return ended.Task.IsCompleted ? await ended.Task : null;
    }

    private void Told(int partition, long answers, long offset, byte[] value)
    {
        _places[partition].Current?.Told(answers);
        _loopback.Acknowledged(_topics.Events, partition, offset, value);
    }

    private SequentialPartition Open(int partition)
    {
        var opened = _open(partition);
        _places[partition].Current = opened;
        return opened;
    }

    private StreamConfig Configure(Action<Exception> ended) => new()
    {
        // Also the name of the group: that of the direct engine, so that processes of both can share the partitions.
        ApplicationId = GroupSettings.Name(_kafka, "machines"),
        ClientId = "flashsale-streamiz",
        BootstrapServers = _kafka.BootstrapServers,
        NumStreamThreads = _options.Threads,
        PollMs = (long)_options.PollTime.TotalMilliseconds,
        DefaultTimestampExtractor = new AppendTime(),
        MaxPollIntervalMs = 300_000,
        Logger = _loggers,
        // One thread must not go missing unnoticed: the stream is replaced as a whole.
        InnerExceptionHandler = fault =>
        {
            ended(fault);
            return ExceptionHandlerResponse.FAIL;
        },
    };

    /// <summary>The place of a partition: who runs it changes with each assignment.</summary>
    private sealed class Place(int partition) : IMachinePartition
    {
        private volatile SequentialPartition? _current;

        public SequentialPartition? Current
        {
            get => _current;
            set => _current = value;
        }

        public PartitionProgress Progress => _current?.Progress ?? PartitionProgress.Stopped(partition);
    }
}
