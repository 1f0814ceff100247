using FlashSale.Core.Log;
using FlashSale.Simulation.Chaos;
using FlashSale.Simulation.Nodes;

namespace FlashSale.Simulation.Broker;

/// <summary>One of a process's consumers.</summary>
internal sealed class LogClient(World world, Node node, string name) : ILog
{
    private readonly HashSet<(string Topic, int Partition)> _open = [];

    public ILogReader Read(string topic, int partition, long fromOffset)
    {
        if (!_open.Add((topic, partition)))
            throw new InvalidOperationException($"{name}: {topic} [{partition}] is already being read");
        return new Reader(this, world.Log[topic, partition], fromOffset);
    }

    public async ValueTask<LogBounds> BoundsAsync(string topic, int partition, CancellationToken cancel)
    {
        await node.ReachAsync($"bounds of {topic} [{partition}]");
        cancel.ThrowIfCancellationRequested();
        if (world.Log.IsAway || world.Faults.Strikes(FaultKind.BoundsUnknown))
            throw new LogUnavailableException($"the bounds of {topic} [{partition}] are not told");
        var log = world.Log[topic, partition];
        return new LogBounds(log.Start, log.End);
    }

    private sealed class Reader(LogClient client, PartitionLog log, long next) : ILogReader
    {
        private static readonly byte[] Noise = [1, 2, 3];

        private readonly int _epoch = log.Epoch;
        private long _next = next;

        public async ValueTask<IReadOnlyList<LogRecord>> ReadAsync(int recordsMax, int bytesMax, CancellationToken cancel)
        {
            while (true)
            {
                await client.ReachAsync($"read {log.Topic} [{log.Partition}] from {_next}");
                cancel.ThrowIfCancellationRequested();
                if (client.Strikes(FaultKind.ReadBroken))
                    throw new LogUnavailableException($"the reader of {log.Topic} [{log.Partition}] broke");
                if (_next < log.Start || _next > log.End || _epoch != log.Epoch)
                    throw new LogUnavailableException($"{log.Topic} [{log.Partition}] has no offset {_next} any more");
                if (_next < log.End && !client.IsAway)
                    return Take(recordsMax);
                await log.ChangedAsync(cancel);
            }
        }

        public ValueTask DisposeAsync()
        {
            client._open.Remove((log.Topic, log.Partition));
            return ValueTask.CompletedTask;
        }

        private List<LogRecord> Take(int recordsMax)
        {
            var count = 1 + client.Below((int)Math.Min(recordsMax, log.End - _next));
            var records = new List<LogRecord>(count);
            // Only before another record: what is left out at the end has not arrived yet.
            var skipped = count > 1 && client.IsFollowing(log) && client.Strikes(FaultKind.RecordSkipped) ? client.Below(count - 1) : -1;
            for (var i = 0; i < count; i++, _next++)
            {
                if (i != skipped || !Misses(log, _next))
                    records.Add(client.IsUnreadable(log) ? log[_next] with { Value = Noise } : client.Translate(log[_next]));
            }

            return records;
        }
    }

    /// <summary>Whether the record after this one shows that it was left out. A repeat of an earlier event does not; it is the adapter that refuses gaps of offsets.</summary>
    private static bool Misses(PartitionLog log, long offset)
    {
        if (log.Topic == MachineTopics.Coupon.Commands)
            return true;
        try
        {
            return EventRecord.Decode(log[offset + 1].Value).Answers.Offset > EventRecord.Decode(log[offset].Value).Answers.Offset;
        }
        catch (LogRefusedException)
        {
            // Of a newer version.
            return false;
        }
    }

    private bool IsAway => world.Log.IsAway;

    /// <summary>Whether records are read one after the other, and not looked at to find how far a partition has come: that takes what it gets.</summary>
    private bool IsFollowing(PartitionLog log) => log.Topic == MachineTopics.Coupon.Commands || (name switch
    {
        "door" => node.Door.Partitions[log.Partition].NotReady is null,
        "ledger" => true,
        _ => false,
    });

    private int Below(int count) => world.Random.Below(count);

    private bool IsUnreadable(PartitionLog log) => name == "door" && IsFollowing(log) && Strikes(FaultKind.EventUnreadable);

    private bool Strikes(FaultKind kind) => world.Faults.Strikes(kind);

    private LogRecord Translate(LogRecord record) => node.Version == 1 ? record : record with { Value = VersionTwo.Read(record.Value) };

    private async Task ReachAsync(string what)
    {
        await node.ReachAsync(what);
        while (world.Log.IsAway)
            await node.Domain.DelayAsync(world.Log.AwayUntil - world.Scheduler.Now);
    }
}
