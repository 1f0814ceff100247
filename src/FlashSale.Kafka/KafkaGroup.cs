using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace FlashSale.Kafka;

/// <summary>
/// Membership in a consumer group, and nothing else: runs a task for each partition of a topic while the group assigns it to
/// this process. Reads no records (its partitions are paused) and commits no offsets: a commit that meets a rebalance ends, as
/// the client takes it, the whole membership, and partitions that were to stay would stop with it.
/// </summary>
public sealed class KafkaGroup(KafkaOptions options, string role, string topic, ILogger<KafkaGroup> logger)
{
    private readonly Dictionary<int, Running> _running = [];
    private readonly PromptMember _member = new();
    private readonly string _group = GroupSettings.Name(options, role);
    private bool _toPause;

    /// <summary>Takes part until cancelled, then ends all tasks and leaves the group, so that others take over at once. On a thread of its own.</summary>
    /// <param name="run">Runs one partition until its token is cancelled.</param>
    public Task RunAsync(Func<int, CancellationToken, Task> run, CancellationToken stop) =>
        Task.Factory.StartNew(() => Run(run, stop), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(Func<int, CancellationToken, Task> run, CancellationToken stop)
    {
        using var consumer = Build(run);
        consumer.Subscribe(topic);
        while (!stop.IsCancellationRequested)
            Poll(consumer);
        End([.. _running.Keys]);
        consumer.Close();
    }

    private void Poll(IConsumer<Ignore, Ignore> consumer)
    {
        try
        {
            // Whatever arrived before a new partition was paused is not wanted.
            consumer.Consume(TimeSpan.FromMilliseconds(50));
            PromptMember.Wake(consumer);
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
            .SetPartitionsAssignedHandler((member, assigned) => Begin(member, assigned, run))
            .SetPartitionsRevokedHandler((_, revoked) => End([.. revoked.Select(p => p.Partition.Value)]))
            .SetPartitionsLostHandler((_, lost) => End([.. lost.Select(p => p.Partition.Value)]))
            .Build();
    }

    private IEnumerable<TopicPartitionOffset> Begin(IConsumer<Ignore, Ignore> member, List<TopicPartition> assigned, Func<int, CancellationToken, Task> run)
    {
        foreach (var partition in assigned.Select(p => p.Partition.Value).Where(p => !_running.ContainsKey(p)))
        {
            var stop = new CancellationTokenSource();
            _running.Add(partition, new Running(Task.Run(() => run(partition, stop.Token)), stop));
        }

        _member.Assigned(member, _running.Count > 0);
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
