using FlashSale.Chaos.Servers;

namespace FlashSale.Chaos.Faults;

/// <summary>All kinds of faults.</summary>
internal static class FaultCatalog
{
    /// <summary>Longer than every session, lease and timeout that the servers have by default.</summary>
    private static readonly TimeSpan Frozen = TimeSpan.FromSeconds(20);

    private static readonly string[] Apis = ["api-1", "api-2"];
    private static readonly string[] Machines = ["machines-1", "machines-2"];
    private static readonly string[] Brokers = ["broker-1", "broker-2", "broker-3"];
    private static readonly string[] RedisNodes = ["redis-master", "redis-replica"];
    private static readonly string[] Redis = ["redis-master"];
    private static readonly string[] Database = ["database"];

    public static readonly IReadOnlyList<FaultKind> All =
    [
        new("kill-api", Apis, Seconds(8), s => KillAsync(s, s.Stack.Apis[s.Target])),
        new("kill-machines", Machines, Seconds(8), s => KillAsync(s, s.Stack.Machines[s.Target])),
        new("kill-broker", Brokers, Seconds(20), KillBrokerAsync),
        new("kill-redis", RedisNodes, Seconds(5), KillRedisAsync),
        new("kill-database", Database, Seconds(8), KillDatabaseAsync),
        new("stop-machines", Machines, Seconds(8), StopMachinesAsync),
        new("freeze-api", Apis, Seconds(22), s => FreezeAsync(s, s.Stack.Apis[s.Target])),
        new("freeze-machines", Machines, Seconds(22), s => FreezeAsync(s, s.Stack.Machines[s.Target])),
        new("freeze-broker", Brokers, Seconds(28), FreezeBrokerAsync),
        new("freeze-redis", RedisNodes, Seconds(24), FreezeRedisAsync),
        new("freeze-database", Database, Seconds(22), FreezeDatabaseAsync),
        new("move-leaders", Brokers, Seconds(20), MoveLeadersAsync),
        new("flush-redis", Redis, Seconds(5), FlushAsync),
        new("flush-scripts", Redis, Seconds(1), FlushScriptsAsync),
        new("cut-aof", Redis, Seconds(6), CutAofAsync),
        new("promote-replica", Redis, Seconds(10), PromoteAsync),
        new("switch-master", Redis, Seconds(8), SwitchAsync),
        new("fill-disk", Redis, Seconds(10), FillDiskAsync),
        new("cut-database", Database, Seconds(1), CutDatabaseAsync),
    ];

    private static async Task<string?> KillAsync(FaultScene scene, ServerNode server)
    {
        await server.Process.KillAsync();
        await scene.HoldAsync(0, 3);
        server.Start();
        await server.AnsweringAsync(scene.Cancel);
        return null;
    }

    private static async Task<string?> StopMachinesAsync(FaultScene scene)
    {
        var server = scene.Stack.Machines[scene.Target];
        await server.TerminateAsync();
        await scene.HoldAsync(0, 3);
        server.Start();
        await server.AnsweringAsync(scene.Cancel);
        return null;
    }

    private static async Task<string?> FreezeAsync(FaultScene scene, ServerNode server)
    {
        server.Process.Freeze();
        await scene.HoldAsync(Frozen);
        server.Process.Thaw();
        await server.AnsweringAsync(scene.Cancel);
        return null;
    }

    private static async Task<string?> KillBrokerAsync(FaultScene scene)
    {
        var broker = scene.Stack.Kafka.Node(scene.Target);
        await broker.KillAsync();
        await scene.HoldAsync(0, 5);
        broker.Start();
        await scene.Stack.Kafka.ServingAsync(scene.Target, scene.Cancel);
        return null;
    }

    private static async Task<string?> FreezeBrokerAsync(FaultScene scene)
    {
        var broker = scene.Stack.Kafka.Node(scene.Target);
        broker.Freeze();
        await scene.HoldAsync(Frozen);
        broker.Thaw();
        await scene.Stack.Kafka.ServingAsync(scene.Target, scene.Cancel);
        return null;
    }

    /// <summary>A broker that is asked to end hands its leaders over first; when it is back, the cluster moves them back.</summary>
    private static async Task<string?> MoveLeadersAsync(FaultScene scene)
    {
        var broker = scene.Stack.Kafka.Node(scene.Target);
        await broker.TerminateAsync(TimeSpan.FromSeconds(30));
        broker.Start();
        await scene.Stack.Kafka.ServingAsync(scene.Target, scene.Cancel);
        return null;
    }

    private static async Task<string?> KillRedisAsync(FaultScene scene)
    {
        var number = RedisNode(scene);
        await scene.Stack.Redis.Node(number).KillAsync();
        await scene.HoldAsync(0, 3);
        var done = await scene.Stack.Redis.StartNodeAsync(number, scene.Cancel);
        await scene.Stack.Redis.SyncedAsync(scene.Cancel);
        return done;
    }

    private static async Task<string?> FreezeRedisAsync(FaultScene scene)
    {
        var node = scene.Stack.Redis.Node(RedisNode(scene));
        node.Freeze();
        await scene.HoldAsync(Frozen);
        node.Thaw();
        await scene.Stack.Redis.SyncedAsync(scene.Cancel);
        return null;
    }

    private static async Task<string?> FlushAsync(FaultScene scene)
    {
        var keys = await scene.Stack.Redis.OnMasterAsync("DBSIZE");
        await scene.Stack.Redis.OnMasterAsync("FLUSHALL");
        return $"{keys.TrimStart(':')} keys gone";
    }

    private static async Task<string?> FlushScriptsAsync(FaultScene scene)
    {
        await scene.Stack.Redis.OnMasterAsync("SCRIPT FLUSH");
        return null;
    }

    private static async Task<string?> CutAofAsync(FaultScene scene)
    {
        var redis = scene.Stack.Redis;
        await redis.Node(redis.Master).KillAsync();
        var cut = redis.CutTail(0.001 + 0.5 * scene.Share());
        var done = await redis.StartNodeAsync(redis.Master, scene.Cancel);
        await redis.SyncedAsync(scene.Cancel);
        return $"{cut:N0} bytes of its AOF gone{(done is null ? "" : ", then " + done)}";
    }

    /// <summary>The replica hears nothing for some seconds, then the master dies and the replica takes its place.</summary>
    private static async Task<string?> PromoteAsync(FaultScene scene)
    {
        var redis = scene.Stack.Redis;
        var behind = await FallBehindAsync(scene);
        var old = redis.Master;
        await redis.Node(old).KillAsync();
        await scene.HoldAsync(0, 2);
        await redis.PromoteAsync();
        var done = await redis.StartNodeAsync(old, scene.Cancel);
        await redis.SyncedAsync(scene.Cancel);
        return done is null ? behind : $"{behind}; of the old master, {done}";
    }

    /// <summary>The same with both alive: for a moment there are two masters, then the old one, its connections still open, follows the new one.</summary>
    private static async Task<string?> SwitchAsync(FaultScene scene)
    {
        var redis = scene.Stack.Redis;
        var behind = await FallBehindAsync(scene);
        await redis.PromoteAsync();
        await scene.HoldAsync(0, 2);
        await redis.DemoteOtherAsync();
        await redis.SyncedAsync(scene.Cancel);
        return behind;
    }

    private static async Task<string> FallBehindAsync(FaultScene scene)
    {
        var redis = scene.Stack.Redis;
        // Nobody listens on port 1: the replica keeps what it has.
        await redis.OnReplicaAsync("REPLICAOF 127.0.0.1 1");
        await scene.HoldAsync(1, 4);
        var bytes = Offset(await redis.OnMasterAsync("INFO replication"), "master_repl_offset:")
            - Offset(await redis.OnReplicaAsync("INFO replication"), "slave_repl_offset:");
        return $"{bytes:N0} bytes behind";
    }

    private static async Task<string?> FillDiskAsync(FaultScene scene)
    {
        var disk = scene.Stack.Redis.MasterDisk;
        try
        {
            disk.Fill();
            await scene.HoldAsync(4, 8);
        }
        finally
        {
            disk.Empty();
        }

        return null;
    }

    private static async Task<string?> KillDatabaseAsync(FaultScene scene)
    {
        await scene.Stack.Database.Process.KillAsync();
        await scene.HoldAsync(0, 3);
        scene.Stack.Database.Process.Start();
        await scene.Stack.Database.ServingAsync(scene.Cancel);
        return null;
    }

    private static async Task<string?> FreezeDatabaseAsync(FaultScene scene)
    {
        scene.Stack.Database.Process.Freeze();
        await scene.HoldAsync(Frozen);
        scene.Stack.Database.Process.Thaw();
        await scene.Stack.Database.ServingAsync(scene.Cancel);
        return null;
    }

    private static async Task<string?> CutDatabaseAsync(FaultScene scene) =>
        $"{await scene.Stack.Database.CutConnectionsAsync(scene.Cancel)} connections";

    private static int RedisNode(FaultScene scene) => scene.Target == 0 ? scene.Stack.Redis.Master : scene.Stack.Redis.Replica;

    private static long Offset(string info, string name)
    {
        var line = info.Split("\r\n").FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.AsSpan(name.Length), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
