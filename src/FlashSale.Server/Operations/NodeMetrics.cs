using System.Diagnostics.Metrics;
using FlashSale.Core.Engine;
using FlashSale.Core.Ledger;
using FlashSale.Server.Hosting;
using FlashSale.Server.Live;

namespace FlashSale.Server.Operations;

/// <summary>The values that are looked up when metrics are asked for: where partitions, ledger, waiting requests and watchers stand.</summary>
internal static class NodeMetrics
{
    public static void Register(Telemetry telemetry, Node node, LiveHub live)
    {
        telemetry.Observe("flashsale.node.ready", null, "1 when the process is ready, else 0.", () => [new(node.NotReady().Count == 0 ? 1 : 0)]);
        telemetry.Observe("flashsale.live.watchers", "{watcher}", "Connections that watch live updates.", () => [new(live.Count)]);
        RegisterMachines(telemetry, node);
        RegisterDoor(telemetry, node);
        RegisterLedger(telemetry, node);
    }

    private static void RegisterMachines(Telemetry telemetry, Node node)
    {
        telemetry.Observe("flashsale.partition.state", null, "What this process does with a partition: 1 for the state that it is in.",
            () => node.Machines.SelectMany(m => States(m.Progress.State, m.Progress.Partition)));
        telemetry.Observe("flashsale.partition.applied", null, "The last command record applied to the state, of partitions that this process has.",
            () => Owned(node, static p => p.Applied));
        telemetry.Observe("flashsale.partition.told", null, "The last command record whose event is acknowledged, of partitions that this process has.",
            () => Owned(node, static p => p.Told));
    }

    private static void RegisterDoor(Telemetry telemetry, Node node)
    {
        telemetry.Observe("flashsale.partition.log.end", null, "The next offset of the command partition, as far as this node has seen it.",
            () => Followers(node, static f => f.End));
        telemetry.Observe("flashsale.partition.decided", null, "The last command record that this node has seen decided.",
            () => Followers(node, static f => f.Mark));
        telemetry.Observe("flashsale.partition.lag", "{command}", "Commands that are in the log and not known to be decided (records of other nodes count as one).",
            () => Followers(node, static f => f.Lag().Commands));
        telemetry.Observe("flashsale.partition.lag.age", "s", "For how long the oldest of them has waited.",
            () => Followers(node, static f => f.Lag().Age.TotalSeconds));
        telemetry.Observe("flashsale.door.decisions.waiting", "{request}", "Requests that wait for a decision.",
            () => Followers(node, static f => f.Waiting));
        telemetry.Observe("flashsale.door.appends.waiting", "{command}", "Commands that wait until the log has acknowledged them.",
            () => node.Door?.Commits.Select(static (c, p) => Of(c.Waiting, p)) ?? []);
    }

    private static void RegisterLedger(Telemetry telemetry, Node node)
    {
        telemetry.Observe("flashsale.ledger.written", null, "The last command record whose outcomes are in the ledger, of partitions that this process writes.",
            () => node.Ledgers.Select(static l => l.Progress).Where(static p => p.State != LedgerPartitionState.Stopped).Select(static p => Of(p.Written.Offset, p.Partition)));
        telemetry.Observe("flashsale.ledger.running", null, "1 while the partition's outcomes are being written, 0 while log or database are away or it is refused.",
            () => node.Ledgers.Select(static l => l.Progress).Where(static p => p.State != LedgerPartitionState.Stopped)
                .Select(static p => Of(p.State == LedgerPartitionState.Running ? 1 : 0, p.Partition)));
    }

    private static IEnumerable<Measurement<double>> States(PartitionState current, int partition) => Enum.GetValues<PartitionState>().Select(s => new Measurement<double>(
        s == current ? 1 : 0, new KeyValuePair<string, object?>("partition", partition), new KeyValuePair<string, object?>("state", Names.Of(s))));

    private static IEnumerable<Measurement<double>> Owned(Node node, Func<PartitionProgress, double> value) =>
        node.Machines.Select(static m => m.Progress).Where(static p => p.State != PartitionState.Stopped).Select(p => Of(value(p), p.Partition));

    private static IEnumerable<Measurement<double>> Followers(Node node, Func<Core.Door.CouponFollower, double> value) =>
        node.Door?.Partitions.Select(f => Of(value(f), f.Partition)) ?? [];

    private static Measurement<double> Of(double value, int partition) => new(value, new KeyValuePair<string, object?>("partition", partition));
}
