using System.Diagnostics;
using FlashSale.Chaos.Processes;

namespace FlashSale.Redis.Tests.Servers;

/// <summary>A private Redis Cluster; the slots are spread evenly over the masters, in order.</summary>
internal sealed class RedisCluster : IAsyncDisposable
{
    private const int Slots = 16_384;

    private static readonly TimeSpan FormedMax = TimeSpan.FromSeconds(20);

    /// <summary>Masters first, then the replicas: node i replicates node i modulo the number of masters.</summary>
    private readonly RedisServer[] _nodes;

    private readonly int _masters;

    private RedisCluster(RedisServer[] nodes, int masters)
    {
        _nodes = nodes;
        _masters = masters;
    }

    public IReadOnlyList<RedisServer> Nodes => _nodes;

    /// <summary>All of them, as the options want it.</summary>
    public string Addresses => string.Join(',', _nodes.Select(n => n.Address));

    public static async Task<RedisCluster> StartAsync(int masters, int replicasEach = 0)
    {
        // The default bus port, 10,000 above, may lie beyond 65,535.
        var cluster = new RedisCluster(await Task.WhenAll(Enumerable.Range(0, masters * (1 + replicasEach))
            .Select(_ => RedisServer.StartAsync("--cluster-enabled", "yes", "--cluster-node-timeout", "5000", "--cluster-port", $"{Ports.OfThisProcess.Next()}"))), masters);
        try
        {
            await cluster.FormAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>The node that has the slot, and another one.</summary>
    public (RedisServer From, RedisServer To) AroundSlot(int slot)
    {
        var owner = slot / SlotsEach;
        return (_nodes[owner], _nodes[(owner + 1) % _masters]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
    }

    private int SlotsEach => (Slots + _masters - 1) / _masters;

    private async Task FormAsync()
    {
        for (var i = 0; i < _nodes.Length; i++)
        {
            if (i < _masters)
                await _nodes[i].SendAsync($"CLUSTER ADDSLOTSRANGE {i * SlotsEach} {Math.Min((i + 1) * SlotsEach, Slots) - 1}");
            // Without an epoch of its own each, nodes that meet would first have to settle a collision.
            await _nodes[i].SendAsync($"CLUSTER SET-CONFIG-EPOCH {i + 1}");
            if (i > 0)
                await _nodes[0].SendAsync($"CLUSTER MEET 127.0.0.1 {_nodes[i].Port} {await BusOfAsync(_nodes[i])}");
        }

        await FormedAsync(IsFormedAsync);
        for (var i = _masters; i < _nodes.Length; i++)
            Assert.Equal("+OK", await _nodes[i].SendAsync($"CLUSTER REPLICATE {await _nodes[i % _masters].SendAsync("CLUSTER MYID")}"));
        await FormedAsync(FollowsAsync);
    }

    private async Task FormedAsync(Func<RedisServer, Task<bool>> isFormed)
    {
        var start = Stopwatch.GetTimestamp();
        foreach (var node in _nodes)
        {
            while (!await isFormed(node))
            {
                Assert.True(Stopwatch.GetElapsedTime(start) < FormedMax, "the cluster did not form");
                await Task.Delay(50);
            }
        }
    }

    private async Task<bool> IsFormedAsync(RedisServer node)
    {
        var info = await node.SendAsync("CLUSTER INFO");
        return info.Contains("cluster_state:ok", StringComparison.Ordinal) && info.Contains($"cluster_known_nodes:{_nodes.Length}", StringComparison.Ordinal)
            && info.Contains($"cluster_size:{_masters}", StringComparison.Ordinal);
    }

    /// <summary>A replica has what its master has.</summary>
    private static async Task<bool> FollowsAsync(RedisServer node)
    {
        var info = await node.SendAsync("INFO replication");
        return info.Contains("role:master", StringComparison.Ordinal) || info.Contains("master_link_status:up", StringComparison.Ordinal);
    }

    private static async Task<string> BusOfAsync(RedisServer node) =>
        (await node.SendAsync("CLUSTER NODES")).Split('@', 2)[1].Split(',', ' ')[0];
}
