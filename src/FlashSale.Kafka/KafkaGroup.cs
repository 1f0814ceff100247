using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace FlashSale.Kafka;

/// <summary>
/// Membership in a consumer group, and nothing else: runs a task for each partition of a topic while the group assigns it to
/// this process. Reads no records (its partitions are paused); committed offsets are for monitoring only.
/// </summary>
public sealed class KafkaGroup(KafkaOptions options, string role, string topic, ILogger<KafkaGroup> logger)
{
    private static readonly TimeSpan CommitInterval = TimeSpan.FromSeconds(5);

    private readonly Dictionary<int, Running> _running = [];
    private readonly string _group = GroupSettings.Name(options, role);
    private bool _toPause;

    /// <summary>Takes part until cancelled, then ends all tasks and leaves the group, so that others take over at once. On a thread of its own.</summary>
    /// <param name="run">Runs one partition until its token is cancelled.</param>
    /// <param name="handled">The last offset of a partition that is done with, or -1.</param>
    public Task RunAsync(Func<int, CancellationToken, Task> run, Func<int, long> handled, TimeProvider time, CancellationToken stop) =>
        Task.Factory.StartNew(() => Run(run, handled, time, stop), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(Func<int, CancellationToken, Task> run, Func<int, long> handled, TimeProvider time, CancellationToken stop)
    {
        using var consumer = Build(run);
        consumer.Subscribe(topic);
        var committedAt = time.GetTimestamp();
        while (!stop.IsCancellationRequested)
        {
            Poll(consumer);
            if (time.GetElapsedTime(committedAt) < CommitInterval)
                continue;
            committedAt = time.GetTimestamp();
            Commit(consumer, handled);
        }

        // Without a last commit, which would wait for a broker that may be away: committed offsets are for monitoring only.
        End([.. _running.Keys]);
        consumer.Close();
    }

    private void Poll(IConsumer<Ignore, Ignore> consumer)
    {
        try
        {
            // Whatever arrived before a new partition was paused is not wanted.
            consumer.Consume(TimeSpan.FromMilliseconds(50));
            if (!_toPause)
                return;
            consumer.Pause(consumer.Assignment);
            _toPause = false;
        }
        catch (ConsumeException e)
        {
            KafkaLogMessages.GroupError(logger, _group, e.Error.Reason);
        }
    }

    private void Commit(IConsumer<Ignore, Ignore> consumer, Func<int, long> handled)
    {
        var offsets = _running.Keys.Select(p => new TopicPartitionOffset(topic, p, handled(p) + 1)).Where(o => o.Offset > 0).ToList();
        try
        {
            if (offsets.Count > 0)
                consumer.Commit(offsets);
        }
        catch (KafkaException e)
        {
            KafkaLogMessages.GroupError(logger, _group, $"offsets were not committed: {e.Error.Reason}");
        }
    }

    private IConsumer<Ignore, Ignore> Build(Func<int, CancellationToken, Task> run)
    {
        var config = new ConsumerConfig
        {
            ClientId = $"flashsale-{role}-group",
            GroupId = _group,
            EnableAutoCommit = false,
            AutoOffsetReset = AutoOffsetReset.Latest,
            FetchMaxBytes = 64 * 1_024,
            MessageMaxBytes = 64 * 1_024,
            FetchWaitMaxMs = 500,
        };
        GroupSettings.ApplyTo(config, options);
        return new ConsumerBuilder<Ignore, Ignore>(config)
            .SetErrorHandler((_, error) => KafkaLogMessages.GroupError(logger, _group, error.Reason))
            .SetLogHandler(static (_, _) => { })
            .SetPartitionsAssignedHandler((_, assigned) => Begin(assigned, run))
            .SetPartitionsRevokedHandler((_, revoked) => End([.. revoked.Select(p => p.Partition.Value)]))
            .SetPartitionsLostHandler((_, lost) => End([.. lost.Select(p => p.Partition.Value)]))
            .Build();
    }

    private IEnumerable<TopicPartitionOffset> Begin(List<TopicPartition> assigned, Func<int, CancellationToken, Task> run)
    {
        foreach (var partition in assigned.Select(p => p.Partition.Value).Where(p => !_running.ContainsKey(p)))
        {
            var stop = new CancellationTokenSource();
            _running.Add(partition, new Running(Task.Run(() => run(partition, stop.Token)), stop));
        }

        _toPause = true;
        KafkaLogMessages.Assigned(logger, _group, string.Join(' ', assigned.Select(p => p.Partition.Value)), _running.Count);
        return assigned.Select(p => new TopicPartitionOffset(p, Offset.End));
    }

    /// <summary>Cancels all at once, then waits for all: each tells what it has decided before it is given away, within a bound of its own.</summary>
    private void End(List<int> partitions)
    {
        partitions.RemoveAll(p => !_running.ContainsKey(p));
        if (partitions.Count == 0)
            return;
        var ending = partitions.Select(p => _running[p]).ToList();
        ending.ForEach(r => r.Stop.Cancel());
        Task.WaitAll([.. ending.Select(r => r.Task)]);
        ending.ForEach(r => r.Stop.Dispose());
        partitions.ForEach(p => _running.Remove(p));
        KafkaLogMessages.Revoked(logger, _group, string.Join(' ', partitions), _running.Count);
    }

    private sealed record Running(Task Task, CancellationTokenSource Stop);
}
