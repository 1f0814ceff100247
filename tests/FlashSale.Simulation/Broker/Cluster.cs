using FlashSale.Core.Log;
using FlashSale.Simulation.Nodes;

namespace FlashSale.Simulation.Broker;

/// <summary>The log as all processes share it.</summary>
internal sealed class Cluster(World world)
{
    private readonly Dictionary<(string Topic, int Partition), PartitionLog> _partitions = [];
    private readonly Dictionary<int, long> _cutAt = [];

    /// <summary>Until then nobody reaches it.</summary>
    public TimeSpan AwayUntil { get; set; }

    public bool IsAway => world.Scheduler.Now < AwayUntil;

    public PartitionLog this[string topic, int partition]
    {
        get
        {
            if (!_partitions.TryGetValue((topic, partition), out var log))
                _partitions.Add((topic, partition), log = new PartitionLog(topic, partition));
            return log;
        }
    }

    /// <summary>Partitions of commands where a reader waits to be told where it may begin.</summary>
    public List<(Node Reader, int Partition)> Silent { get; } = [];

    public PartitionLog Commands(int partition) => this[MachineTopics.Coupon.Commands, partition];

    public PartitionLog Events(int partition) => this[MachineTopics.Coupon.Events, partition];

    public long Append(string topic, int partition, byte[] value)
    {
        var log = this[topic, partition];
        var offset = log.Append(value, (long)world.Scheduler.Now.TotalMilliseconds);
        if (!log.IsCut)
            world.Oracle.Appended(topic, partition, offset, value);
        return offset;
    }

    /// <summary>Takes the end or the start of a command partition away.</summary>
    public void Cut(int partition, long end, long start)
    {
        _cutAt[partition] = end;
        if (start > 0)
            Commands(partition).CutStart(start);
        else
            Commands(partition).CutEnd(end);
    }

    public void Restore(int partition)
    {
        if (_cutAt.Remove(partition, out var cutAt))
            world.Oracle.Dropped(partition, Commands(partition).Restore(cutAt));
    }

    public bool IsDamaged(int partition) => _cutAt.ContainsKey(partition);
}
