using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>What an engine is doing with a partition.</summary>
public enum PartitionState
{
    /// <summary>Not assigned to this process.</summary>
    Stopped,

    /// <summary>Finding out how far outcomes have been decided and told.</summary>
    TakingOver,

    /// <summary>Applying what has been told before: the state had lost it.</summary>
    Rebuilding,

    /// <summary>Deciding commands.</summary>
    Running,

    /// <summary>Something does not answer; tried again.</summary>
    Waiting,

    /// <summary>The log or the state is not what it must be; see the reason.</summary>
    Refused,
}

/// <summary>Where an engine is with a partition; a consistent picture at one instant.</summary>
/// <param name="Applied">The last record applied to the state.</param>
/// <param name="Told">The last record whose event is acknowledged.</param>
/// <param name="RebuildTo">While rebuilding: the record up to which outcomes had been told.</param>
/// <param name="Commands">Commands decided since the log's start.</param>
/// <param name="Reason">Why it waits or is refused.</param>
public sealed record PartitionProgress(
    int Partition, PartitionState State, long Applied, long Told, long RebuildTo, long Commands, string? Reason)
{
    public static PartitionProgress Stopped(int partition) => new(partition, PartitionState.Stopped, -1, -1, -1, 0, null);
}

/// <summary>A partition of a machine in this process, whichever engine runs it.</summary>
public interface IMachinePartition
{
    /// <summary>Where the partition stands; may be read by any thread.</summary>
    PartitionProgress Progress { get; }
}

/// <summary>Decides the commands of the partitions that the group assigns to this process.</summary>
public interface IMachineEngine
{
    /// <summary>All partitions of the machine, by number; those of other processes are stopped here.</summary>
    IReadOnlyList<IMachinePartition> Partitions { get; }

    /// <summary>Takes part until cancelled, then tells what is decided and gives all partitions back, so that others take over at once.</summary>
    Task RunAsync(CancellationToken stop);
}

/// <summary>Is told what the engine does; must not block.</summary>
public interface IEngineObserver
{
    /// <summary>The partition's state, or the reason for it, has changed.</summary>
    void Changed(PartitionProgress progress);

    /// <summary>A batch has been applied.</summary>
    void Applied(int partition, int records, int commands);

    /// <summary>
    /// A record is decided, and its event is on its way to the log. By then the outcome can be told: it follows from the commands up to it, which are in
    /// the log, and whoever decides them again comes to the same. In order, each once or more often.
    /// </summary>
    void Decided(int partition, ReadOnlyMemory<byte> told);

    /// <summary>A record could not be read and is in the dead letters now.</summary>
    void DeadLettered(RecordAddress address);
}
