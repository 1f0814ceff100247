using FlashSale.Core.Engine;

namespace FlashSale.Kafka;

/// <summary>Runs a machine's partitions side by side, each as fast as its log and its store allow.</summary>
/// <param name="group">Says which partitions are this process's; none: all of them, for good.</param>
public sealed class DirectEngine(IReadOnlyList<MachinePartition> partitions, KafkaGroup? group) : IMachineEngine
{
    /// <inheritdoc/>
    public IReadOnlyList<IMachinePartition> Partitions => partitions;

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken stop) => group is null
        ? Task.WhenAll(partitions.Select(p => Task.Run(() => p.RunAsync(stop), CancellationToken.None)))
        : group.RunAsync((p, cancel) => partitions[p].RunAsync(cancel), stop);
}
