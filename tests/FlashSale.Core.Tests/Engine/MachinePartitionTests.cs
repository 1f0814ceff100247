using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;

namespace FlashSale.Core.Tests.Engine;

/// <summary>The contract, kept by the partitions of the direct engine.</summary>
public sealed class MachinePartitionTests : EngineContract
{
    private protected override (IMachinePartition Partition, Task Running) StartEngine(EngineWorld world, CancellationToken stop)
    {
        var partition = new MachinePartition(
            CouponMachine.Instance, 0, world.LogId, world.Log, world.Store, world.Appenders, world.Options, world.Time, world.Ids, world.Observer);
        return (partition, partition.RunAsync(stop));
    }
}
