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
            for (; count > 0; count--, _next++)
                records.Add(client.Translate(log[_next]));
            return records;
        }
    }

    private bool IsAway => world.Log.IsAway;

    private int Below(int count) => world.Random.Below(count);

    private bool Strikes(FaultKind kind) => world.Faults.Strikes(kind);

    private LogRecord Translate(LogRecord record) => node.Version == 1 ? record : record with { Value = VersionTwo.Read(record.Value) };

    private async Task ReachAsync(string what)
    {
        await node.ReachAsync(what);
        while (world.Log.IsAway)
            await node.Domain.DelayAsync(world.Log.AwayUntil - world.Scheduler.Now);
    }
}
