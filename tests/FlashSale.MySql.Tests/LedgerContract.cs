using System.Data.Common;
using Dapper;
using FlashSale.Core.Audit;
using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.MySql.Tests;

/// <summary>What every ledger does.</summary>
public abstract class LedgerContract : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    protected abstract DatabaseLedger Ledger { get; }

    protected LedgerQueries Queries => new(Ledger);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            Ledger.Dispose();
    }

    /// <summary>A second ledger, as another process would have it.</summary>
    protected abstract DatabaseLedger Another();

    protected abstract DbConnection Connect();

    [Fact]
    public async Task ReadMark_NothingWritten_IsNull()
    {
        await Ledger.MigrateAsync(None);
        Assert.Null(await Ledger.ReadMarkAsync(0, None));
    }

    [Fact]
    public async Task Migrate_ByManyAtOnceAndTwice_MakesTheTablesOnce()
    {
        var others = Enumerable.Range(0, 6).Select(_ => Another()).ToList();
        await Task.WhenAll(others.Select(o => o.MigrateAsync(None)));
        await Ledger.MigrateAsync(None);
        await Ledger.MigrateAsync(None);
        others.ForEach(o => o.Dispose());

        await using var connection = Connect();
        Assert.Equal(["0001-ledger.sql", "0002-drop-coupons-user.sql", "0003-coupons-by-campaign.sql"], await connection.QueryAsync<string>("SELECT name FROM schema_version ORDER BY version"));
    }

    [Fact]
    public async Task Migrate_TablesOfANewerBuild_IsRefused()
    {
        await Ledger.MigrateAsync(None);
        await using (var connection = Connect())
            await connection.ExecuteAsync("INSERT INTO schema_version (version, name) VALUES (9999, 'later')");
        using var other = Another();
        var refused = await Assert.ThrowsAsync<LogRefusedException>(() => other.MigrateAsync(None));
        Assert.Contains("9999", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_MarkFits_MovesItAndKeepsEverything()
    {
        await Ledger.MigrateAsync(None);
        var batch = Batches.Issue("c", 7, offset: 1, sequence: 0, count: 3) with
        {
            RefusalCounts = [new("c", CouponOutcome.SoldOut, 5), new("", CouponOutcome.Undecodable, 1)],
            Refusals = [new(new RecordAddress(7, 1, 9), "c", "loser", CouponOutcome.SoldOut, 44)],
            Campaigns = [Batches.Campaign("c", 7, 3, """{"name":"Grüße 🎉 'quoted' \\ back"}""")],
        };
        Assert.True(await Ledger.WriteAsync(batch, None));
        Assert.Equal(Batches.Mark(1), await Ledger.ReadMarkAsync(7, None));

        Assert.Equal(batch.Coupons, await WinnersAsync("c"));
        Assert.Equal([("sold-out", 5L)], await Queries.RefusalCountsAsync("c"));
        Assert.Equal([("undecodable", 1L)], await Queries.RefusalCountsAsync(""));
        await using var connection = Connect();
        Assert.Equal("7/1/9/c/loser/sold-out/44", await ScalarAsync<string>(connection, "refusals",
            "partition_no", "record_offset", "command_index", "campaign_id", "user_id", "reason", "instant_ms"));
        Assert.Equal("c/7/3/1000/2/10/20/1/3/30", await ScalarAsync<string>(connection, "campaigns",
            "campaign_id", "partition_no", "campaign_no", "quantity", "per_user", "opens_at_ms", "closes_at_ms", "is_closed", "issued", "opened_at_ms"));
        Assert.Equal("""{"name":"Grüße 🎉 'quoted' \\ back"}""", await connection.ExecuteScalarAsync<string>("SELECT description FROM campaigns"));
    }

    [Fact]
    public async Task Write_MarkDoesNotFit_WritesNothing()
    {
        await Ledger.MigrateAsync(None);
        Assert.True(await Ledger.WriteAsync(Batches.Issue("c", 0, 1, 0, 2), None));

        Assert.False(await Ledger.WriteAsync(Batches.Issue("x", 0, 1, 0, 2), None));
        Assert.False(await Ledger.WriteAsync(Batches.Issue("x", 0, 3, 0, 2), None));
        var otherRecord = Batches.Issue("x", 0, 2, 0, 2);
        otherRecord = otherRecord with { Before = otherRecord.Before with { Written = new RecordPosition(1, new RecordId(1)) } };
        Assert.False(await Ledger.WriteAsync(otherRecord, None));
        var otherLog = Batches.Issue("x", 0, 2, 0, 2);
        Assert.False(await Ledger.WriteAsync(otherLog with { After = otherLog.After with { Log = new LogId(Guid.Parse("11112222333344445555666677778888")) } }, None));

        Assert.Equal(0, await Queries.CouponCountAsync("x"));
        Assert.Equal(Batches.Mark(1), await Ledger.ReadMarkAsync(0, None));
        Assert.True(await Ledger.WriteAsync(Batches.Issue("c", 0, 2, 2, 2), None));
        Assert.Equal(4, await Queries.CouponCountAsync("c"));
    }

    [Fact]
    public async Task Write_TwoWritersOfOnePartition_EachBatchOnce()
    {
        await Ledger.MigrateAsync(None);
        using var another = Another();
        for (var offset = 1; offset <= 20; offset++)
        {
            var batch = Batches.Issue("c", 0, offset, (offset - 1) * 5, 5);
            var written = await Task.WhenAll(TryAsync(Ledger, batch), TryAsync(another, batch));
            if (written.All(w => w is null or false))
                Assert.Equal(Batches.Mark(offset), await Ledger.ReadMarkAsync(0, None));
        }

        Assert.Equal(100, await Queries.CouponCountAsync("c"));
    }

    [Fact]
    public async Task Write_CouponAlreadyThere_IsRefusedAndLeavesNothing()
    {
        await Ledger.MigrateAsync(None);
        Assert.True(await Ledger.WriteAsync(Batches.Issue("c", 0, 1, 0, 10), None));
        // The sequence number of the last row of the first statement is taken: everything before it has to go again.
        var batch = Batches.Issue("c", 0, 2, 10, 10);
        batch = batch with
        {
            Coupons = [.. batch.Coupons.Take(9), batch.Coupons[9] with { Sequence = 3 }],
            RefusalCounts = [new("c", CouponOutcome.SoldOut, 1)],
        };
        var refused = await Assert.ThrowsAsync<LogRefusedException>(() => Ledger.WriteAsync(batch, None));
        Assert.Contains("issued twice", refused.Message, StringComparison.Ordinal);

        Assert.Equal(10, await Queries.CouponCountAsync("c"));
        Assert.Empty(await Queries.RefusalCountsAsync("c"));
        Assert.Equal(Batches.Mark(1), await Ledger.ReadMarkAsync(0, None));
    }

    [Fact]
    public async Task ReadCoupons_OfACampaign_ComeInOrderPageByPage()
    {
        await Ledger.MigrateAsync(None);
        var (ours, other) = (Batches.Issue("c", 0, 1, 0, 7), Batches.Issue("d", 0, 2, 0, 3));
        Assert.True(await Ledger.WriteAsync(ours, None));
        Assert.True(await Ledger.WriteAsync(other, None));
        var source = new LedgerSource(Ledger);
        Assert.Equal(ours.Coupons.Take(5), await source.ReadCouponsAsync("c", -1, 5, None));
        Assert.Equal(ours.Coupons.Skip(5), await source.ReadCouponsAsync("c", 4, 5, None));
        Assert.Empty(await source.ReadCouponsAsync("e", -1, 5, None));
    }

    [Fact]
    public async Task ReadEnd_SeveralPartitions_HasTheLastCouponOfEachCampaignOfOne()
    {
        await Ledger.MigrateAsync(None);
        Assert.Equal((0, null), await EndAsync(0));
        Assert.True(await Ledger.WriteAsync(Batches.Issue("c", 0, 1, 0, 7), None));
        Assert.True(await Ledger.WriteAsync(Batches.Issue("d", 0, 2, 0, 3), None));
        Assert.True(await Ledger.WriteAsync(Batches.Issue("c", 0, 3, 7, 1), None));
        Assert.True(await Ledger.WriteAsync(Batches.Issue("e", 1, 1, 0, 1), None));
        Assert.Equal((2, Batches.Mark(3)), await EndAsync(0));
        var (last, _) = await new LedgerSource(Ledger).ReadEndAsync(0, None);
        Assert.Equal([new LedgerLast("c", 3), new LedgerLast("d", 2)], last.OrderBy(l => l.CampaignId, StringComparer.Ordinal));

        async Task<(int, LedgerMark?)> EndAsync(int partition)
        {
            var (campaigns, mark) = await new LedgerSource(Ledger).ReadEndAsync(partition, None);
            return (campaigns.Count, mark);
        }
    }

    [Fact]
    public async Task Write_IdThatIsNone_BecomesNoStatement()
    {
        await Ledger.MigrateAsync(None);
        var batch = Batches.Issue("c", 0, 1, 0, 1);
        batch = batch with { Coupons = [batch.Coupons[0] with { UserId = "u'); DROP TABLE coupons; --" }] };
        await Assert.ThrowsAsync<ArgumentException>(() => Ledger.WriteAsync(batch, None));
        Assert.Null(await Ledger.ReadMarkAsync(0, None));
    }

    [Fact]
    public async Task Write_CountsAndCampaignsAgain_AreAddedAndReplaced()
    {
        await Ledger.MigrateAsync(None);
        for (var offset = 1; offset <= 3; offset++)
        {
            Assert.True(await Ledger.WriteAsync(Batches.Empty(0, offset - 1, offset) with
            {
                RefusalCounts = [new("c", CouponOutcome.SoldOut, 5), new("c", CouponOutcome.IssuedBefore, 1)],
                Campaigns = [Batches.Campaign("c", 0, offset, offset == 1 ? "first" : null), Batches.Campaign("d", 0, offset, $"d{offset}")],
            }, None));
        }

        Assert.Equal([("sold-out", 15L), ("issued-before", 3L)], await Queries.RefusalCountsAsync("c"));
        await using var connection = Connect();
        Assert.Equal(["first", "d3"], await connection.QueryAsync<string>("SELECT description FROM campaigns ORDER BY campaign_id"));
        Assert.Equal([3, 3], await connection.QueryAsync<int>("SELECT issued FROM campaigns ORDER BY campaign_id"));
    }

    [Fact]
    public async Task Write_IdsThatDifferInCase_AreDifferent()
    {
        await Ledger.MigrateAsync(None);
        Assert.True(await Ledger.WriteAsync(Batches.Issue("Sale", 0, 1, 0, 2), None));
        Assert.True(await Ledger.WriteAsync(Batches.Issue("sale", 0, 2, 0, 3), None));
        Assert.Equal(2, await Queries.CouponCountAsync("Sale"));
        Assert.Equal(3, await Queries.CouponCountAsync("sale"));
    }

    [Fact]
    public async Task Write_LargeBatch_IsReadBackInOrder()
    {
        const int Coupons = 12_345;
        var longest = new string('z', 64);
        await Ledger.MigrateAsync(None);
        var batch = Batches.Issue(longest, 1023, 1, 0, Coupons);
        batch = batch with
        {
            Coupons = [.. batch.Coupons.Select(c => c with { UserId = c.UserId.PadRight(64, '-') }).Reverse()],
            Refusals = [.. Enumerable.Range(0, 4_000).Select(i => new LedgerRefusal(new RecordAddress(1023, 1, Coupons + i), longest, $"r{i}", CouponOutcome.AlreadyClaimed, i))],
            Campaigns = [.. Enumerable.Range(0, 1_500).Select(i => Batches.Campaign($"c{i}", 1023, i, i % 10 == 0 ? new string('ü', 2_048) : null))],
        };
        Assert.True(await Ledger.WriteAsync(batch, None));

        var winners = await WinnersAsync(longest);
        Assert.Equal(batch.Coupons.Reverse(), winners);
        Assert.Equal(winners.OrderBy(w => w.Address.Offset).ThenBy(w => w.Address.Index), winners);
        Assert.Equal(Coupons, (await Queries.CouponCountsAsync())[longest]);
        await using var connection = Connect();
        Assert.Equal(4_000, await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM refusals"));
        Assert.Equal(1_500, await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM campaigns"));
    }

    [Fact]
    public async Task Write_ManyPartitionsAtOnce_AllSucceed()
    {
        await Ledger.MigrateAsync(None);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async partition =>
        {
            for (var offset = 1; offset <= 30; offset++)
            {
                var batch = Batches.Issue($"c{partition}", partition, offset, (offset - 1) * 20, 20) with
                {
                    RefusalCounts = [new($"c{partition}", CouponOutcome.SoldOut, 1), new("unknown", CouponOutcome.CampaignUnknown, 1)],
                    Campaigns = [Batches.Campaign($"c{partition}", partition, offset, null)],
                };
                Assert.True(await Ledger.WriteAsync(batch, None));
            }
        }));
        Assert.All((await Queries.CouponCountsAsync()).Values, count => Assert.Equal(600, count));
        Assert.Equal([("campaign-unknown", 240L)], await Queries.RefusalCountsAsync("unknown"));
    }

    [Fact]
    public async Task AnyCall_Cancelled_EndsAtOnce()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Ledger.ReadMarkAsync(0, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task AnyCall_WithoutTables_IsUnavailable()
    {
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.ReadMarkAsync(0, None));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => Queries.CouponCountAsync("c"));
    }

    [Fact]
    public async Task AnyCall_AfterDispose_IsUnavailable()
    {
        var other = Another();
        other.Dispose();
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => other.ReadMarkAsync(0, None));
    }

    private static async Task<bool?> TryAsync(DatabaseLedger ledger, LedgerBatch batch)
    {
        try
        {
            return await ledger.WriteAsync(batch, None);
        }
        catch (LedgerUnavailableException)
        {
            // A deadlock over the first row is a legitimate end.
            return null;
        }
    }

    protected async Task<List<LedgerCoupon>> WinnersAsync(string campaign)
    {
        var winners = new List<LedgerCoupon>();
        await foreach (var winner in Queries.WinnersAsync(campaign))
            winners.Add(winner);
        return winners;
    }

    private static async Task<T?> ScalarAsync<T>(DbConnection connection, string table, params string[] columns) =>
        await connection.ExecuteScalarAsync<T>($"SELECT CONCAT_WS('/', {string.Join(", ", columns)}) FROM {table}");
}
