using System.Diagnostics;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Redis.Tests.Coupons;
using FlashSale.Redis.Tests.Servers;

namespace FlashSale.Redis.Tests;

/// <summary>Two nodes of a Redis Cluster.</summary>
public sealed class RedisClusterTests
{
    private const int Partitions = 8;

    private static readonly TimeSpan FormedMax = TimeSpan.FromSeconds(20);

    [OwnServerFact]
    public async Task Cluster_PartitionsOnBothNodes_AllWork()
    {
        await using var first = await StartNodeAsync();
        await using var second = await StartNodeAsync();
        await FormAsync(first, second);
        await using var connection = Open(first, second);
        var store = new RedisCouponStore(connection);

        for (var partition = 0; partition < Partitions; partition++)
            await StartAsync(store, partition);

        Assert.True(int.Parse((await first.SendAsync("DBSIZE"))[1..]) > 0);
        Assert.True(int.Parse((await second.SendAsync("DBSIZE"))[1..]) > 0);
        Assert.Equal(2, (await RedisChecks.RunAsync(connection)).Count);
    }

    [OwnServerFact]
    public async Task Cluster_SlotIsMoved_NothingIsDecidedUntilItIsWhole()
    {
        await using var first = await StartNodeAsync();
        await using var second = await StartNodeAsync();
        await FormAsync(first, second);
        await using var connection = Open(first, second);
        var store = new RedisCouponStore(connection);
        await StartAsync(store, 0);
        var slot = (await first.SendAsync("CLUSTER KEYSLOT {c0}:meta"))[1..];
        var (from, to) = int.Parse(slot) < 8192 ? (first, second) : (second, first);

        await to.SendAsync($"CLUSTER SETSLOT {slot} IMPORTING {await from.SendAsync("CLUSTER MYID")}");
        await from.SendAsync($"CLUSTER SETSLOT {slot} MIGRATING {await to.SendAsync("CLUSTER MYID")}");
        await MoveAsync(from, to, "users");
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

    // The default bus port, 10,000 above, may lie beyond 65,535.
    private static Task<RedisServer> StartNodeAsync() =>
        RedisServer.StartAsync("--cluster-enabled", "yes", "--cluster-port", $"{RedisServer.FreePort()}");

    private static async Task FormAsync(RedisServer first, RedisServer second)
    {
        await first.SendAsync("CLUSTER ADDSLOTSRANGE 0 8191");
        await second.SendAsync("CLUSTER ADDSLOTSRANGE 8192 16383");
        await second.SendAsync("CONFIG SET cluster-node-timeout 5000");
        await second.SendAsync("CLUSTER SET-CONFIG-EPOCH 2");
        var bus = (await second.SendAsync("CLUSTER NODES")).Split('@', 2)[1].Split(',', ' ')[0];
        await first.SendAsync($"CLUSTER MEET 127.0.0.1 {second.Port} {bus}");
        var start = Stopwatch.GetTimestamp();
        foreach (var node in new[] { first, second })
        {
            while (!(await node.SendAsync("CLUSTER INFO")).Contains("cluster_state:ok", StringComparison.Ordinal))
            {
                Assert.True(Stopwatch.GetElapsedTime(start) < FormedMax, "the cluster did not form");
                await Task.Delay(50);
            }
        }
    }

    private static async Task MoveAsync(RedisServer from, RedisServer to, string part) =>
        Assert.Equal("+OK", await from.SendAsync($"MIGRATE 127.0.0.1 {to.Port} {{c0}}:{part} 0 2000"));

    private static RedisConnection Open(RedisServer first, RedisServer second) =>
        new(new RedisOptions { Endpoints = $"{first.Address},{second.Address}" }, TimeProvider.System);

    private static async Task StartAsync(RedisCouponStore store, int partition)
    {
        Assert.Equal(FenceState.Held, await store.ResetAsync(partition, SaleOf.Genesis, SaleOf.Owner));
        Assert.Equal(FenceState.Held, (await store.ApplyAsync(partition, SaleOf.Batch(1, 2))).State);
    }
}
