using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Redis.Tests.Coupons;
using FlashSale.Redis.Tests.Servers;
using StackExchange.Redis;

namespace FlashSale.Redis.Tests;

/// <summary>Every row of the fence, and what a broken state answers.</summary>
[Collection(SharedRedisCollection.Name)]
public sealed class RedisFenceTests(SharedRedis server) : IAsyncLifetime
{
    private static readonly LogId OtherLog = new(new Guid("11111111-2222-3333-4444-555555555555"));

    private readonly RedisConnection _connection = server.NewConnection();
    private RedisCouponStore _store = null!;

    private IDatabase Client => server.Client.GetDatabase();

    private RedisKey[] Keys => _store.Keys.Of(0);

    public async Task InitializeAsync()
    {
        _store = new RedisCouponStore(_connection);
        await _connection.ConnectAsync(CancellationToken.None);
    }

    public async Task DisposeAsync() => await _connection.DisposeAsync();

    [Fact]
    public async Task EmptyServer_Asked_IsMissingAndDecidesNothing()
    {
        Assert.Equal(FenceState.Missing, (await _store.ApplyAsync(0, SaleOf.Batch(1, 2))).State);
        Assert.Equal(FenceState.Missing, (await _store.TakeOverAsync(0, SaleOf.Genesis.Log, 1)).State);
        Assert.All(Keys, k => Assert.False(Client.KeyExists(k)));
        await AssertReadsNothingAsync();
    }

    [Fact]
    public async Task Reset_OnNothing_IsTheStateAfterGenesis()
    {
        Assert.Equal(FenceState.Held, await _store.ResetAsync(0, SaleOf.Genesis, SaleOf.Owner));

        var found = await _store.TakeOverAsync(0, SaleOf.Genesis.Log, 77);
        Assert.Equal(new OwnerToken(SaleOf.Owner.Number + 1, 77), found.Token);
        Assert.Equal(SaleOf.Start, found.Applied);
        Assert.Equal((0, 0, 0), (found.Commands, found.Told, found.Recent.Count));
        var snapshot = (await _store.ReadPartitionAsync(0, SaleOf.Genesis.Log))!;
        Assert.Empty(snapshot.Campaigns);
        Assert.Equal(SaleOf.Start, snapshot.Applied);
    }

    [Fact]
    public async Task Reset_OnWholeState_IsRefused()
    {
        await StartAsync(3);
        Assert.Equal(FenceState.TakenOver, await _store.ResetAsync(0, SaleOf.Genesis, SaleOf.Owner));
        Assert.Equal(SaleOf.At(3), (await _store.ReadPartitionAsync(0, SaleOf.Genesis.Log))!.Applied);
    }

    [Fact]
    public async Task Apply_HigherTokenStored_IsTakenOver()
    {
        await StartAsync(2);
        await _store.TakeOverAsync(0, SaleOf.Genesis.Log, 1);
        await AssertUnchangedAsync(FenceState.TakenOver, SaleOf.Batch(3, 3));
    }

    [Fact]
    public async Task Apply_LowerTokenStored_IsBehind()
    {
        await StartAsync(2);
        await AssertUnchangedAsync(FenceState.Behind, SaleOf.Batch(3, 3, SaleOf.Owner with { Number = 6 }));
    }

    [Fact]
    public async Task Apply_SameNumberOtherNonce_IsBehind()
    {
        await StartAsync(2);
        await AssertUnchangedAsync(FenceState.Behind, SaleOf.Batch(3, 3, SaleOf.Owner with { Nonce = 6 }));
    }

    [Fact]
    public async Task Apply_AgainAfterALostAnswer_IsAheadAndTheOutcomesAreKept()
    {
        await StartAsync(2);
        var first = await _store.ApplyAsync(0, SaleOf.Batch(3, 5, told: 2));
        await AssertUnchangedAsync(FenceState.Ahead, SaleOf.Batch(3, 5, told: 2));

        var found = await _store.TakeOverAsync(0, SaleOf.Genesis.Log, 1);
        Assert.Equal(SaleOf.At(5), found.Applied);
        Assert.Equal(2, found.Told);
        Assert.Equal([3, 4, 5], found.Recent.Keys.Order());
        Assert.Equal(first.Outcomes, found.Recent.OrderBy(r => r.Key).Select(r => r.Value));
    }

    [Fact]
    public async Task Apply_WhatIsTold_IsForgotten()
    {
        await StartAsync(4);
        await _store.ApplyAsync(0, SaleOf.Batch(5, 6, told: 4));
        Assert.Equal([5, 6], (await _store.TakeOverAsync(0, SaleOf.Genesis.Log, 1)).Recent.Keys.Order());
        Assert.Equal(3, await Client.HashLengthAsync(Keys[5]));
    }

    [Fact]
    public async Task Apply_LessApplied_IsBehind()
    {
        await StartAsync(2);
        await AssertUnchangedAsync(FenceState.Behind, SaleOf.Batch(4, 4));
    }

    [Fact]
    public async Task Apply_OtherRecordAtTheOffset_IsOtherRecord()
    {
        await StartAsync(2);
        await AssertUnchangedAsync(FenceState.OtherRecord, SaleOf.Batch(3, 3) with { Expected = new RecordPosition(2, new RecordId(1)) });
    }

    [Fact]
    public async Task StateOfOtherLog_Asked_IsOtherLog()
    {
        await StartAsync(2);
        await AssertUnchangedAsync(FenceState.OtherLog, SaleOf.Batch(3, 3) with { Log = OtherLog });
        Assert.Equal(FenceState.OtherLog, (await _store.TakeOverAsync(0, OtherLog, 1)).State);
        Assert.Null(await _store.ReadPartitionAsync(0, OtherLog));
        Assert.Null(await _store.ReadUserAsync(0, OtherLog, SaleOf.UserId(2), 0));
        Assert.Equal(ClaimAnswer.Waiting(0).Outcome, (await _store.ReadClaimAsync(SaleOf.Question(2) with { Log = OtherLog })).Outcome);
    }

    [Fact]
    public async Task TornStateOfOtherLog_Reset_IsLeftAlone()
    {
        await StartAsync(2);
        await Client.HashSetAsync(Keys[0], "torn", "1");
        Assert.Equal(FenceState.OtherLog, await _store.ResetAsync(0, SaleOf.Genesis with { Log = OtherLog }, SaleOf.Owner));
    }

    [Fact]
    public async Task OneKeyMissing_Asked_IsMissingUntilRebuilt()
    {
        await StartAsync(6);
        foreach (var key in Keys)
        {
            await Client.KeyDeleteAsync(key);
            Assert.Equal(FenceState.Missing, (await _store.ApplyAsync(0, SaleOf.Batch(7, 7))).State);
            Assert.Equal(FenceState.Missing, (await _store.TakeOverAsync(0, SaleOf.Genesis.Log, 1)).State);
            await AssertReadsNothingAsync();
            await RebuildAsync();
        }
    }

    [Fact]
    public async Task TornState_Asked_IsTornUntilRebuilt()
    {
        await StartAsync(6);
        await Client.HashSetAsync(Keys[0], "torn", "1");
        await AssertTornAsync();
        await RebuildAsync();
    }

    [Fact]
    public async Task StateOfAnotherLayout_BesideOurs_IsNeitherReadNorTouched()
    {
        // Keys of layout 1, as a process of an older build leaves them: whole, and of the same log.
        await StartAsync(3);
        var log = await Client.HashGetAllAsync(Keys[0]);
        string[] old = [.. Keys.Select(k => k.ToString().Replace(":2:", ":", StringComparison.Ordinal).Replace("holdings", "users", StringComparison.Ordinal))];
        Assert.All(old, o => Assert.DoesNotContain(Keys, k => k == o));
        foreach (var key in Keys)
            await Client.KeyDeleteAsync(key);
        foreach (var key in old)
            await Client.HashSetAsync(key, log);

        Assert.Equal(FenceState.Missing, (await _store.TakeOverAsync(0, SaleOf.Genesis.Log, 1)).State);
        await RebuildAsync();
        foreach (var key in old)
            Assert.Equal(log.OrderBy(e => e.Name), (await Client.HashGetAllAsync(key)).OrderBy(e => e.Name));
    }

    [Fact]
    public async Task ScriptBrokenInTheMiddle_Asked_IsTornUntilRebuilt()
    {
        await StartAsync(3);

        // A key of another type is there, but cannot be written: the script breaks after its first writes.
        await Client.KeyDeleteAsync(Keys[5]);
        await Client.StringSetAsync(Keys[5], "no hash");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _store.ApplyAsync(0, SaleOf.Batch(4, 5)));

        Assert.Contains(await Client.HashValuesAsync(Keys[4]), bucket => ((byte[])bucket!).AsSpan().IndexOf(Encoding.ASCII.GetBytes(SaleOf.UserId(4))) >= 0);
        await AssertTornAsync();
        await RebuildAsync();
    }

    [Fact]
    public async Task Reads_BeforeTheirAddressIsApplied_Wait()
    {
        await StartAsync(3);
        Assert.Equal(CouponOutcome.None, (await _store.ReadClaimAsync(SaleOf.Question(4))).Outcome);
        Assert.Equal(3, (await _store.ReadClaimAsync(SaleOf.Question(4))).Commands);
        Assert.Null(await _store.ReadUserAsync(0, SaleOf.Genesis.Log, SaleOf.UserId(2), 4));
        Assert.Single((await _store.ReadUserAsync(0, SaleOf.Genesis.Log, SaleOf.UserId(2), 3))!);
        Assert.Equal(CouponOutcome.Issued, (await _store.ReadClaimAsync(SaleOf.Question(3))).Outcome);
    }

    [Fact]
    public async Task Apply_ScriptsFlushed_FailsOnceAndWorksAfterATakeOver()
    {
        await StartAsync(2);
        await Client.ExecuteAsync("SCRIPT", "FLUSH");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _store.ApplyAsync(0, SaleOf.Batch(3, 3)));
        var found = await _store.TakeOverAsync(0, SaleOf.Genesis.Log, 1);
        Assert.Equal(FenceState.Held, (await _store.ApplyAsync(0, SaleOf.Batch(3, 3, found.Token))).State);
    }

    [Fact]
    public async Task TakeOver_ScriptsFlushed_LoadsAllOfThem()
    {
        await StartAsync(2);
        await Client.ExecuteAsync("SCRIPT", "FLUSH");
        var found = await _store.TakeOverAsync(0, SaleOf.Genesis.Log, 1);
        Assert.Equal(FenceState.Held, (await _store.ApplyAsync(0, SaleOf.Batch(3, 3, found.Token))).State);
        await Client.ExecuteAsync("SCRIPT", "FLUSH");
        Assert.Equal(CouponOutcome.Issued, (await _store.ReadClaimAsync(SaleOf.Question(3))).Outcome);
    }

    [Fact]
    public async Task Apply_ManyCallsInFlight_TakeEffectInTheirOrder()
    {
        await StartAsync(1);
        var calls = Enumerable.Range(1, 300).Select(i => _store.ApplyAsync(0, SaleOf.Batch(2 * i, 2 * i + 1))).ToList();
        Assert.All(await Task.WhenAll(calls), r => Assert.Equal(FenceState.Held, r.State));
        Assert.Equal(3, (await _store.ReadPartitionAsync(0, SaleOf.Genesis.Log))!.Campaigns[0].State.Issued);
    }

    private async Task StartAsync(long last)
    {
        Assert.Equal(FenceState.Held, await _store.ResetAsync(0, SaleOf.Genesis, SaleOf.Owner));
        Assert.Equal(FenceState.Held, (await _store.ApplyAsync(0, SaleOf.Batch(1, last))).State);
    }

    private async Task RebuildAsync()
    {
        await StartAsync(6);
        var rebuilt = (await _store.ReadPartitionAsync(0, SaleOf.Genesis.Log))!;
        Assert.Equal((SaleOf.At(6), 6L, 3), (rebuilt.Applied, rebuilt.Commands, Assert.Single(rebuilt.Campaigns).State.Issued));
        Assert.Equal(CouponOutcome.SoldOut, (await _store.ReadClaimAsync(SaleOf.Question(5))).Outcome);
    }

    private async Task AssertTornAsync()
    {
        Assert.Equal(FenceState.Torn, (await _store.ApplyAsync(0, SaleOf.Batch(7, 7))).State);
        Assert.Equal(FenceState.Torn, (await _store.TakeOverAsync(0, SaleOf.Genesis.Log, 1)).State);
        await AssertReadsNothingAsync();
    }

    private async Task AssertReadsNothingAsync()
    {
        Assert.Null(await _store.ReadPartitionAsync(0, SaleOf.Genesis.Log));
        Assert.Null(await _store.ReadUserAsync(0, SaleOf.Genesis.Log, SaleOf.UserId(2), 0));
        var claim = await _store.ReadClaimAsync(SaleOf.Question(2));
        Assert.Equal((CouponOutcome.None, 0L), (claim.Outcome, claim.Commands));
    }

    private async Task AssertUnchangedAsync(FenceState expected, ApplyBatch batch)
    {
        var before = await DumpAsync();
        var result = await _store.ApplyAsync(0, batch);
        Assert.Equal(expected, result.State);
        Assert.Empty(result.Outcomes);
        Assert.Equal(before, await DumpAsync());
    }

    private async Task<List<string>> DumpAsync()
    {
        var dump = new List<string>();
        foreach (var key in Keys)
            dump.AddRange((await Client.HashGetAllAsync(key)).Select(e => $"{key} {Convert.ToHexString((byte[])e.Name!)} {Convert.ToHexString((byte[])e.Value!)}").Order(StringComparer.Ordinal));
        return dump;
    }
}
