using System.Diagnostics;
using FlashSale.Core.Engine;
using FlashSale.Redis.Tests.Coupons;
using FlashSale.Redis.Tests.Servers;

namespace FlashSale.Redis.Tests;

/// <summary>A master and its replica, both named as endpoints; somebody else promotes.</summary>
public sealed class RedisFailoverTests
{
    private static readonly TimeSpan FollowedMax = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FoundMax = TimeSpan.FromSeconds(3);

    [OwnServerFact]
    public async Task Replica_PromotedWhileBehind_IsFollowedAndRefusesTheOldOwner()
    {
        await using var master = await RedisServer.StartAsync();
        await using var replica = await RedisServer.StartAsync("--replicaof", "127.0.0.1", $"{master.Port}");
        await using var connection = new RedisConnection(new RedisOptions { Endpoints = $"{master.Address},{replica.Address}" }, TimeProvider.System);
        var store = new RedisCouponStore(connection);
        Assert.Equal(FenceState.Held, await store.ResetAsync(0, SaleOf.Genesis, SaleOf.Owner));
        Assert.Equal(FenceState.Held, (await store.ApplyAsync(0, SaleOf.Batch(1, 2))).State);
        await FollowedAsync(master, replica);

        // Nobody listens on port 1: what comes now the replica does not hear.
        await replica.SendAsync("REPLICAOF 127.0.0.1 1");
        Assert.Equal(FenceState.Held, (await store.ApplyAsync(0, SaleOf.Batch(3, 4))).State);
        await master.KillAsync();
        await replica.SendAsync("REPLICAOF NO ONE");
        await master.StartAgainAsync();
        await master.SendAsync($"REPLICAOF 127.0.0.1 {replica.Port}");

        // The owner that knows of 4 must not go on where the state ends at 2.
        Assert.Equal(FenceState.Behind, (await WhenFoundAsync(() => store.ApplyAsync(0, SaleOf.Batch(5, 5)))).State);
        var found = await WhenFoundAsync(() => store.TakeOverAsync(0, SaleOf.Genesis.Log, 1));
        Assert.Equal((FenceState.Held, SaleOf.At(2)), (found.State, found.Applied));
        // The old master, a replica now, is asked no more.
        for (var offset = 3; offset <= 20; offset++)
            Assert.Equal(FenceState.Held, (await store.ApplyAsync(0, SaleOf.Batch(offset, offset, found.Token))).State);
    }

    [OwnServerFact]
    public async Task Master_DemotedWhileItsConnectionsLast_IsAskedNoMore()
    {
        await using var master = await RedisServer.StartAsync();
        await using var replica = await RedisServer.StartAsync("--replicaof", "127.0.0.1", $"{master.Port}");
        await using var connection = new RedisConnection(new RedisOptions { Endpoints = $"{master.Address},{replica.Address}" }, TimeProvider.System);
        var store = new RedisCouponStore(connection);
        Assert.Equal(FenceState.Held, await store.ResetAsync(0, SaleOf.Genesis, SaleOf.Owner));
        await FollowedAsync(master, replica);

        await replica.SendAsync("REPLICAOF NO ONE");
        await master.SendAsync($"REPLICAOF 127.0.0.1 {replica.Port}");

        Assert.Equal(FenceState.Held, (await WhenFoundAsync(() => store.ApplyAsync(0, SaleOf.Batch(1, 1)))).State);
        for (var offset = 2; offset <= 20; offset++)
            Assert.Equal(FenceState.Held, (await store.ApplyAsync(0, SaleOf.Batch(offset, offset))).State);
    }

    /// <summary>Repeats a call until the new master answers it.</summary>
    private static async Task<T> WhenFoundAsync<T>(Func<Task<T>> call)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await call();
            }
            catch (StoreUnavailableException) when (Stopwatch.GetElapsedTime(start) < FoundMax)
            {
                await Task.Delay(50);
            }
        }
    }

    private static async Task FollowedAsync(RedisServer master, RedisServer replica)
    {
        var start = Stopwatch.GetTimestamp();
        while (await master.SendAsync("WAIT 1 100") != ":1" || await replica.SendAsync("DBSIZE") == ":0")
            Assert.True(Stopwatch.GetElapsedTime(start) < FollowedMax, "the replica does not follow its master");
    }
}
