using System.Data.Common;
using Dapper;
using FlashSale.Chaos.Processes;
using FlashSale.Core.Ledger;

namespace FlashSale.MySql.Tests;

[Collection(MySqlTests.Name)]
public sealed class MySqlLedgerTests : LedgerContract
{
    private static readonly string[] CouponKey = ["PRIMARY campaign_id", "PRIMARY sequence_no"];
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly MySqlServer _server;
    private readonly MySqlDatabase _database;
    private readonly MySqlLedger _ledger;

    public MySqlLedgerTests(MySqlServer server)
    {
        _server = server;
        _database = server.CreateDatabase();
        _ledger = new MySqlLedger(_database.Options);
    }

    protected override DatabaseLedger Ledger => _ledger;

    [Fact]
    public async Task Write_ConnectionKilledMeanwhile_IsUnavailableThenWorksAgain()
    {
        await _ledger.MigrateAsync(None);
        Assert.True(await _ledger.WriteAsync(Batches.Issue("c", 0, 1, 0, 1), None));
        await using var blocker = _database.Open();
        await blocker.ExecuteAsync("START TRANSACTION");
        await blocker.ExecuteAsync("UPDATE ledger_marks SET event_offset = event_offset");

        var writing = _ledger.WriteAsync(Batches.Issue("c", 0, 2, 1, 1), None);
        Kill(await BlockedAsync(blocker));
        var error = await Assert.ThrowsAsync<LedgerUnavailableException>(() => writing);
        Assert.Contains(_database.Name, error.Message, StringComparison.Ordinal);

        await blocker.ExecuteAsync("ROLLBACK WORK");
        Assert.Equal(Batches.Mark(1), await _ledger.ReadMarkAsync(0, None));
        Assert.True(await _ledger.WriteAsync(Batches.Issue("c", 0, 2, 1, 1), None));
        Assert.Equal(2, await Queries.CouponCountAsync("c"));
    }

    [Fact]
    public async Task Write_IdleConnectionsKilled_IsUnavailableAtMostOnce()
    {
        await _ledger.MigrateAsync(None);
        Assert.True(await _ledger.WriteAsync(Batches.Issue("c", 0, 1, 0, 1), None));
        await using (var connection = _database.Open())
        {
            foreach (var id in await connection.QueryAsync<long>(
                "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()"))
                Kill(id);
        }

        bool written;
        try
        {
            written = await _ledger.WriteAsync(Batches.Issue("c", 0, 2, 1, 1), None);
        }
        catch (LedgerUnavailableException)
        {
            written = await _ledger.WriteAsync(Batches.Issue("c", 0, 2, 1, 1), None);
        }

        Assert.True(written);
    }

    [Fact]
    public async Task Write_Deadlock_IsUnavailableAndLeavesNothing()
    {
        await _ledger.MigrateAsync(None);
        Assert.True(await _ledger.WriteAsync(Batches.Issue("c", 0, 1, 0, 1), None));
        await using var other = _database.Open();
        // Much written, so that the ledger's transaction is the one that is given up.
        await other.ExecuteAsync("START TRANSACTION");
        for (var i = 0; i < 200; i++)
            await other.ExecuteAsync($"INSERT INTO coupons VALUES (9, {i}, 0, 'other', {i}, 'x', 'x', 0, 0)");
        await other.ExecuteAsync("INSERT INTO coupons VALUES (0, 2, 0, 'c', 1, 'x', 'x', 0, 0)");

        var writing = _ledger.WriteAsync(Batches.Issue("c", 0, 2, 1, 1), None);
        await BlockedAsync(other);
        await other.ExecuteAsync("UPDATE ledger_marks SET event_offset = event_offset");
        var error = await Assert.ThrowsAsync<LedgerUnavailableException>(() => writing);
        Assert.Contains("gave the transaction up", error.Message, StringComparison.Ordinal);
        await other.ExecuteAsync("ROLLBACK WORK");

        Assert.Equal(1, await Queries.CouponCountAsync("c"));
        Assert.True(await _ledger.WriteAsync(Batches.Issue("c", 0, 2, 1, 1), None));
    }

    [Fact]
    public async Task Write_LockedLongerThanTheTimeout_IsUnavailable()
    {
        await _ledger.MigrateAsync(None);
        Assert.True(await _ledger.WriteAsync(Batches.Issue("c", 0, 1, 0, 1), None));
        await using var blocker = _database.Open();
        await blocker.ExecuteAsync("START TRANSACTION");
        await blocker.ExecuteAsync("UPDATE ledger_marks SET event_offset = event_offset");

        var options = _database.Options;
        options.CommandTimeout = TimeSpan.FromSeconds(1);
        using var hasty = new MySqlLedger(options);
        await hasty.MigrateAsync(None);
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => hasty.WriteAsync(Batches.Issue("c", 0, 2, 1, 1), None));
        await blocker.ExecuteAsync("ROLLBACK WORK");
        Assert.True(await hasty.WriteAsync(Batches.Issue("c", 0, 2, 1, 1), None));
    }

    [Fact]
    public async Task Write_CancelledWhileItHangs_EndsAtOnce()
    {
        await _ledger.MigrateAsync(None);
        Assert.True(await _ledger.WriteAsync(Batches.Issue("c", 0, 1, 0, 1), None));
        await using var blocker = _database.Open();
        await blocker.ExecuteAsync("START TRANSACTION");
        await blocker.ExecuteAsync("UPDATE ledger_marks SET event_offset = event_offset");

        using var cancel = new CancellationTokenSource();
        var writing = _ledger.WriteAsync(Batches.Issue("c", 0, 2, 1, 1), cancel.Token);
        await BlockedAsync(blocker);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        await blocker.ExecuteAsync("ROLLBACK WORK");
    }

    [Fact]
    public async Task Migrate_WrongPassword_SaysSo()
    {
        var options = _database.Options;
        options.ConnectionString = new MySqlConnectionStringBuilder(options.ConnectionString) { UserID = "nobody", Password = "wrong-secret" }.ConnectionString;
        using var ledger = new MySqlLedger(options);
        var error = await Assert.ThrowsAsync<LedgerUnavailableException>(() => ledger.MigrateAsync(None));
        Assert.Contains("refuses this user or password", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-secret", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migrate_UnknownDatabase_SaysSo()
    {
        var options = _database.Options;
        options.ConnectionString = new MySqlConnectionStringBuilder(options.ConnectionString) { Database = "flashsale_none" }.ConnectionString;
        using var ledger = new MySqlLedger(options);
        var error = await Assert.ThrowsAsync<LedgerUnavailableException>(() => ledger.MigrateAsync(None));
        Assert.Contains("there is no database flashsale_none", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migrate_NobodyListens_IsUnavailable()
    {
        var options = _database.Options;
        options.ConnectionString = new MySqlConnectionStringBuilder(options.ConnectionString) { Port = (uint)Ports.OfThisProcess.Next() }.ConnectionString;
        using var ledger = new MySqlLedger(options);
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => ledger.MigrateAsync(None));
    }

    [Fact]
    public async Task Migrate_BrokenOffInTheMiddle_IsFinished()
    {
        await _ledger.MigrateAsync(None);
        await using (var connection = _database.Open())
            await connection.ExecuteAsync("DELETE FROM schema_version; DROP TABLE refusals");
        using var next = new MySqlLedger(_database.Options);
        await next.MigrateAsync(None);
        Assert.True(await next.WriteAsync(Batches.Issue("c", 0, 1, 0, 1), None));
        Assert.Equal(CouponKey, await CouponIndexesAsync());
    }

    [Fact]
    public async Task Migrate_CouponsKeyedByAddress_AreKeyedByCampaign()
    {
        await _ledger.MigrateAsync(None);
        Assert.True(await _ledger.WriteAsync(Batches.Issue("c", 0, 1, 0, 100), None));
        await using (var connection = _database.Open())
        {
            await connection.ExecuteAsync("DELETE FROM schema_version WHERE version = 3; ALTER TABLE coupons DROP PRIMARY KEY, "
                + "ADD PRIMARY KEY (partition_no, record_offset, command_index), ADD UNIQUE KEY coupons_campaign (campaign_id, sequence_no)");
        }

        using var next = new MySqlLedger(_database.Options);
        await next.MigrateAsync(None);
        Assert.Equal(Batches.Issue("c", 0, 1, 0, 100).Coupons, await WinnersAsync("c"));
        Assert.Equal(CouponKey, await CouponIndexesAsync());
    }

    [Fact]
    public async Task ReadMark_TablesDropped_IsUnavailableUntilMigratedAgain()
    {
        await _ledger.MigrateAsync(None);
        await using (var connection = _database.Open())
            await connection.ExecuteAsync("DROP TABLE schema_version, ledger_marks");
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => _ledger.ReadMarkAsync(0, None));
        await _ledger.MigrateAsync(None);
        Assert.Null(await _ledger.ReadMarkAsync(0, None));
    }

    protected override DatabaseLedger Another() => new MySqlLedger(_database.Options);

    protected override DbConnection Connect() => _database.Open();

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            _database.Dispose();
    }

    private async Task<IEnumerable<string>> CouponIndexesAsync()
    {
        await using var connection = _database.Open();
        return await connection.QueryAsync<string>(
            "SELECT CONCAT(index_name, ' ', column_name) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'coupons' ORDER BY index_name, seq_in_index");
    }

    private void Kill(long id) => _server.Execute($"KILL {id}");

    /// <summary>Waits until a transaction waits for a lock; yields its connection.</summary>
    private async Task<long> BlockedAsync(MySqlConnection observer)
    {
        for (var i = 0; i < 500; i++)
        {
            var id = await observer.ExecuteScalarAsync<long?>(
                $"SELECT ID FROM information_schema.PROCESSLIST WHERE DB = '{_database.Name}' AND ID <> CONNECTION_ID() AND COMMAND = 'Query' LIMIT 1");
            if (id is not null && i > 5)
                return id.Value;
            await Task.Delay(10);
        }

        throw new InvalidOperationException("nothing waits for a lock");
    }
}
