using FlashSale.Core.Ledger;
using FlashSale.Simulation.Chaos;
using FlashSale.Simulation.Nodes;

namespace FlashSale.Simulation.Database;

/// <summary>A process's connections to the database.</summary>
internal sealed class LedgerClient(World world, Node node) : ILedger
{
    public async Task MigrateAsync(CancellationToken cancel)
    {
        await node.ReachAsync("migrate");
        Check(cancel);
    }

    public async Task<LedgerMark?> ReadMarkAsync(int partition, CancellationToken cancel)
    {
        await node.ReachAsync($"read mark {partition}");
        Check(cancel);
        return world.Database.Mark(partition);
    }

    public async Task<bool> WriteAsync(LedgerBatch batch, CancellationToken cancel)
    {
        var what = $"write {batch.Partition}: {batch.Before.Written.Offset} to {batch.After.Written.Offset}";
        await node.ReachAsync(what);
        Check(cancel);
        if (world.Faults.Strikes(FaultKind.Deadlock))
            throw new LedgerUnavailableException("deadlock");
        if (world.Faults.Strikes(FaultKind.CommitLate))
        {
            world.Domain.Start(() => CommitLateAsync(batch, what));
            throw new LedgerUnavailableException("the connection was lost");
        }

        var written = world.Database.Commit(batch);
        world.Trace(node.Name, $"{what}: {(written ? "written" : "overtaken")}");
        if (node.CrashesAt(FaultKind.CrashAfter, what))
            return await Node.Never<bool>();
        if (world.Faults.Strikes(FaultKind.CommitUnknown))
            throw new LedgerUnavailableException("the connection was lost while committing");
        await node.Domain.DelayAsync(world.Faults.Latency());
        return written;
    }

    private async Task CommitLateAsync(LedgerBatch batch, string what)
    {
        await world.Domain.DelayAsync(world.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(3)));
        world.Trace(node.Name, $"{what}: late, {(world.Database.Commit(batch) ? "written" : "overtaken")}");
    }

    private void Check(CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (world.Scheduler.Now < world.Database.AwayUntil)
            throw new LedgerUnavailableException("the database is away");
    }
}
