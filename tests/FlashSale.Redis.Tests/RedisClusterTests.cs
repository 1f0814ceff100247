using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Redis.Tests.Coupons;
using FlashSale.Redis.Tests.Servers;

namespace FlashSale.Redis.Tests;

/// <summary>Two nodes of a Redis Cluster.</summary>
public sealed class RedisClusterTests
{
    private const int Partitions = 8;

    [OwnServerFact]
    public async Task Cluster_PartitionsOnBothNodes_AllWork()
    {
        await using var cluster = await RedisCluster.StartAsync(2);
        await using var connection = Open(cluster);
        var store = new RedisCouponStore(connection);

        for (var partition = 0; partition < Partitions; partition++)
            await StartAsync(store, partition);

        foreach (var node in cluster.Nodes)
            Assert.True(int.Parse((await node.SendAsync("DBSIZE"))[1..]) > 0);
        Assert.Equal(2, (await RedisChecks.RunAsync(connection)).Count);
    }

    [OwnServerFact]
    public async Task Cluster_SlotIsMoved_NothingIsDecidedUntilItIsWhole()
    {
        await using var cluster = await RedisCluster.StartAsync(2);
        await using var connection = Open(cluster);
        var store = new RedisCouponStore(connection);
        await StartAsync(store, 0);
        var slot = int.Parse((await cluster.Nodes[0].SendAsync("CLUSTER KEYSLOT {c0}:meta"))[1..]);
        var (from, to) = cluster.AroundSlot(slot);

        await to.SendAsync($"CLUSTER SETSLOT {slot} IMPORTING {await from.SendAsync("CLUSTER MYID")}");
        await from.SendAsync($"CLUSTER SETSLOT {slot} MIGRATING {await to.SendAsync("CLUSTER MYID")}");
        await MoveAsync(from, to, "holdings");
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ApplyAsync(0, SaleOf.Batch(3, 3)));
        Assert.Contains("TRYAGAIN", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.TakeOverAsync(0, SaleOf.Genesis.Log, 1));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ReadClaimAsync(SaleOf.Question(2)));

        foreach (var part in new[] { "meta", "campaigns", "descriptions", "changes", "recent" })
            await MoveAsync(from, to, part);
        await to.SendAsync($"CLUSTER SETSLOT {slot} NODE {await to.SendAsync("CLUSTER MYID")}");
        await from.SendAsync($"CLUSTER SETSLOT {slot} NODE {await to.SendAsync("CLUSTER MYID")}");

        var found = await store.TakeOverAsync(0, SaleOf.Genesis.Log, 1);
        Assert.Equal((FenceState.Held, SaleOf.At(2)), (found.State, found.Applied));
        Assert.Equal(FenceState.Held, (await store.ApplyAsync(0, SaleOf.Batch(3, 3, found.Token))).State);
        Assert.Equal(CouponOutcome.Issued, (await store.ReadClaimAsync(SaleOf.Question(3))).Outcome);
    }

    private static async Task MoveAsync(RedisServer from, RedisServer to, string part) =>
        Assert.Equal("+OK", await from.SendAsync($"MIGRATE 127.0.0.1 {to.Port} {{c0}}:2:{part} 0 2000"));

    private static RedisConnection Open(RedisCluster cluster) =>
        new(new RedisOptions { Endpoints = cluster.Addresses }, TimeProvider.System);

    private static async Task StartAsync(RedisCouponStore store, int partition)
    {
        Assert.Equal(FenceState.Held, await store.ResetAsync(partition, SaleOf.Genesis, SaleOf.Owner));
        Assert.Equal(FenceState.Held, (await store.ApplyAsync(partition, SaleOf.Batch(1, 2))).State);
    }
}
