using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;

namespace FlashSale.MySql.Tests;

public sealed class SqliteLedgerTests : LedgerContract
{
    private readonly SqliteLedger _ledger = new();

    protected override DatabaseLedger Ledger => _ledger;

    [Fact]
    public void Dispose_TemporaryFile_IsDeleted()
    {
        var ledger = new SqliteLedger();
        Assert.True(Directory.Exists(Path.GetDirectoryName(ledger.File)));
        ledger.Dispose();
        Assert.False(Directory.Exists(Path.GetDirectoryName(ledger.File)));
    }

    [Fact]
    public async Task Migrate_TablesOfTheVersionBefore_KeepTheirRows()
    {
        await _ledger.MigrateAsync(default);
        Assert.True(await _ledger.WriteAsync(Batches.Issue("c", 0, 1, 0, 100), default));
        await using (var connection = Connect())
            await connection.ExecuteAsync("DELETE FROM schema_version WHERE version = 3");
        using var next = Another();
        await next.MigrateAsync(default);
        Assert.Equal(Batches.Issue("c", 0, 1, 0, 100).Coupons, await WinnersAsync("c"));
    }

    [Fact]
    public async Task Write_FileGiven_IsThereForTheNextOne()
    {
        var folder = Directory.CreateTempSubdirectory("flashsale-");
        var path = Path.Combine(folder.FullName, "l.db");
        using (var first = new SqliteLedger(path))
        {
            await first.MigrateAsync(default);
            Assert.True(await first.WriteAsync(Batches.Issue("c", 0, 1, 0, 1), default));
        }

        using (var second = new SqliteLedger(path))
        {
            await second.MigrateAsync(default);
            Assert.Equal(Batches.Mark(1), await second.ReadMarkAsync(0, default));
        }

        folder.Delete(recursive: true);
    }

    protected override DatabaseLedger Another() => new SqliteLedger(_ledger.File);

    protected override DbConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={_ledger.File};Pooling=false");
        connection.Open();
        return connection;
    }
}
