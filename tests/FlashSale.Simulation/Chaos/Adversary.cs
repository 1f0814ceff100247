using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Simulation.Nodes;

namespace FlashSale.Simulation.Chaos;

/// <summary>Does the harm that comes from outside, at any time, and in the end mends what only an operator can mend.</summary>
internal sealed class Adversary(World world)
{
    private static readonly FaultKind[] StateLosses =
        [FaultKind.StateEmptied, FaultKind.StateRolledBack, FaultKind.StateOfOtherLog, FaultKind.ScriptTorn];

    private const int NodesMax = 3;

    private readonly IReadOnlyList<FaultKind> _kinds = world.Faults.FromOutside;
    private int _garbage;

    public void Start()
    {
        if (_kinds.Count > 0)
            world.Domain.Start(HarmAsync);
        world.Domain.Start(SuperviseAsync);
    }

    /// <summary>No more faults: what was damaged is mended, who was paused goes on, and the update of all processes is completed.</summary>
    public void End()
    {
        world.Faults.IsActive = false;
        world.Trace("chaos", "quiet from here on");
        world.Log.AwayUntil = world.Database.AwayUntil = default;
        world.Database.Foreign = null;
        for (var p = 0; p < world.Partitions; p++)
        {
            world.Log.Restore(p);
            world.States[p].PutBack();
        }

        foreach (var node in world.Nodes)
        {
            node.Domain.Resume();
            if (node.Version < world.Version)
                node.Crash();
        }

        world.Machines.StopZombies();
        world.Ledgers.StopZombies();
        Fill();
    }

    /// <summary>Starts a process in the place of one that has died, as whatever runs them does.</summary>
    private async Task SuperviseAsync()
    {
        while (world.Faults.IsActive)
        {
            await world.Domain.DelayAsync(world.Random.Between(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(2)));
            Fill();
        }
    }

    private void Fill()
    {
        while (world.Nodes.Count(n => !n.IsDead) < NodesMax - 1)
            world.StartNode();
    }

    private async Task HarmAsync()
    {
        while (world.Faults.IsActive)
        {
            await world.Domain.DelayAsync(world.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(2)));
            if (!world.Faults.IsActive)
                return;
            // A broker that keeps a reader waiting for its place may be about to lose what others have read of it.
            if (world.Log.Silent.Find(static s => !s.Reader.IsDead) is { Reader: not null } silent && _kinds.Contains(FaultKind.LogCut) && world.Random.Chance(0.5))
                Harm(FaultKind.LogCut, silent.Partition);
            else
                Harm(world.Random.Of(_kinds), world.Random.Below(world.Partitions));
        }
    }

    private void Harm(FaultKind kind, int partition)
    {
        switch (kind)
        {
            case FaultKind.LogAway:
                world.Trace("chaos", "the log is away");
                world.Log.AwayUntil = world.Scheduler.Now + Seconds(0.1, 4);
                break;
            case FaultKind.DatabaseAway:
                world.Trace("chaos", "the database is away");
                world.Database.AwayUntil = world.Scheduler.Now + Seconds(0.1, 6);
                break;
            case FaultKind.StateEmptied:
                world.Trace("chaos", $"state {partition} is emptied");
                world.States[partition].Flush();
                break;
            case FaultKind.StrayCall:
                world.States[partition].CallAstray();
                break;
            case FaultKind.StateRolledBack:
                world.States[partition].Promote();
                break;
            case FaultKind.StateOfOtherLog:
                world.Domain.Start(() => ReplaceStateAsync(partition));
                break;
            case FaultKind.PartitionMoved:
                world.Domain.Start(() => (world.Random.Chance(0.6) ? world.Machines : world.Ledgers).MoveAsync(partition));
                break;
            case FaultKind.PartitionStolen:
                (world.Random.Chance(0.6) ? world.Machines : world.Ledgers).Steal(partition);
                break;
            case FaultKind.LedgerOfOtherLog:
                world.Domain.Start(ReplaceLedgerAsync);
                break;
            case FaultKind.LogCut:
                world.Domain.Start(() => CutLogAsync(partition));
                break;
            case FaultKind.Garbage:
                world.Log.Append(MachineTopics.Coupon.Commands, partition, Garbage(partition));
                break;
            case FaultKind.EventsRepeated:
                RepeatEvents(partition);
                break;
            case FaultKind.NewerVersion:
                Update();
                break;
            default:
                Harm(kind, world.Random.Of(world.Nodes));
                break;
        }
    }

    private void Harm(FaultKind kind, Node node)
    {
        if (node.IsDead)
            return;
        switch (kind)
        {
            case FaultKind.ProcessCrashed:
                node.Crash();
                break;
            case FaultKind.ProcessPaused:
                world.Domain.Start(() => PauseAsync(node));
                break;
            case FaultKind.ClockSet:
                node.Clock.Skew = Seconds(-5, 5);
                world.Trace(node.Name, $"its clock is set to {node.Clock.Skew.TotalSeconds:F3} s from the true time");
                break;
            default:
                throw new InvalidOperationException($"nobody does {kind}");
        }
    }

    private async Task PauseAsync(Node node)
    {
        if (node.Domain.IsPaused || !world.Faults.IsActive)
            return;
        world.Trace(node.Name, "stands still");
        node.Domain.Pause();
        await world.Domain.DelayAsync(Seconds(0.1, 6));
        if (world.Faults.IsActive && world.Random.Chance(0.7))
        {
            world.Machines.Expel(node);
            world.Ledgers.Expel(node);
            await world.Domain.DelayAsync(Seconds(0, 8));
        }

        world.Trace(node.Name, "goes on");
        node.Domain.Resume();
    }

    private async Task ReplaceStateAsync(int partition)
    {
        var state = world.States[partition];
        if (state.IsForeign || !world.Faults.IsActive)
            return;
        world.Trace("chaos", $"state {partition} is another log's");
        var foreign = new InMemoryCouponStore(CouponMachine.Instance);
        var log = world.NewLogId();
        await foreign.ResetAsync(partition, world.Genesis(partition, log), new OwnerToken(1, world.Random.Next()));
        state.Replace(foreign, log);
        await world.Domain.DelayAsync(Seconds(0.1, 5));
        world.Trace("chaos", $"state {partition} is this log's again");
        state.PutBack();
    }

    private async Task ReplaceLedgerAsync()
    {
        if (world.Database.Foreign is not null || !world.Faults.IsActive)
            return;
        world.Trace("chaos", "the database is another log's");
        world.Database.Foreign = world.NewLogId();
        await world.Domain.DelayAsync(Seconds(0.1, 5));
        world.Trace("chaos", "the database is this log's again");
        world.Database.Foreign = null;
    }

    /// <summary>
    /// Below what somebody knows: what the log has lost before that, nobody can miss. Of what is applied and not told only the state
    /// knows; so that much is cut only in runs where the state keeps what it has.
    /// </summary>
    private async Task CutLogAsync(int partition)
    {
        var known = world.Oracle.Told(partition);
        if (!StateLosses.Any(world.Faults.Has))
            known = Math.Max(known, world.States[partition].Applied);
        if (world.Log.IsDamaged(partition) || known == 0 || !world.Faults.IsActive)
            return;
        // An unclean leader election loses a few records, whose places are soon taken by others; a mishap loses any number.
        var at = world.Random.Chance(0.5) ? world.Random.Between((int)Math.Max(1, known - 2), (int)known) : world.Random.Between(1, (int)known);
        var isStart = world.Random.Chance(0.3);
        world.Trace("chaos", isStart ? $"log {partition} loses its start up to {at}" : $"log {partition} is cut at {at}");
        world.Log.Cut(partition, at, isStart ? at : 0);
        await world.Domain.DelayAsync(Seconds(0.1, 8));
        world.Trace("chaos", $"log {partition} is restored");
        world.Log.Restore(partition);
    }

    /// <summary>Noise, half a record, a record of a kind that has no place here, or a genesis record that came too late.</summary>
    private byte[] Garbage(int partition)
    {
        world.Trace("chaos", $"garbage in {partition}");
        var known = world.Oracle.Truth[partition].Records;
        var record = world.Random.Of(known).Value.ToArray();
        switch (world.Random.Below(4))
        {
            case 0:
                return Unlike([.. Enumerable.Range(0, world.Random.Below(40)).Select(_ => (byte)world.Random.Next())]);
            // A piece of a genesis record is taken for one, by its header alone, and would have the same record id each time.
            case 1 when record.Length < RecordHeader.Size || record[3] != (byte)RecordKind.Genesis:
                return Unlike([.. record[..world.Random.Below(record.Length + 1)]]);
            case 2 when record.Length > RecordHeader.Size:
                record[3] = (byte)RecordKind.Event;
                return Unlike(record);
            default:
                return world.Genesis(partition, world.LogId).Encode();
        }
    }

    /// <summary>Bytes that no other garbage has: the same ones in the place of lost ones would be the lost ones, as nobody could tell.</summary>
    private byte[] Unlike(byte[] bytes)
    {
        byte[] unlike = [.. bytes, .. BitConverter.GetBytes(_garbage++)];
        // Noise that happens to begin as a record of a later version is not garbage: everybody has to stop at it (one in 65,536).
        if (GenesisRecord.IsOfNewerVersion(unlike))
            unlike[0]++;
        return unlike;
    }

    private void RepeatEvents(int partition)
    {
        var events = world.Log.Events(partition);
        if (events.End == 0)
            return;
        var from = world.Random.Below((int)events.End);
        var count = world.Random.Between(1, (int)Math.Min(4, events.End - from));
        world.Trace("chaos", $"events {partition}:{from}..{from + count - 1} are told again");
        for (var i = 0; i < count; i++)
            world.Log.Append(events.Topic, partition, events[from + i].Value.ToArray());
    }

    /// <summary>Processes of the next version join; those of today's die one after the other.</summary>
    private void Update()
    {
        if (world.Version == 1)
        {
            world.Version = 2;
            world.StartNode();
        }
        else if (world.Nodes.Find(n => !n.IsDead && n.Version == 1) is { } old)
        {
            old.Crash();
        }
    }

    private TimeSpan Seconds(double min, double max) => world.Random.Between(TimeSpan.FromSeconds(min), TimeSpan.FromSeconds(max));
}
