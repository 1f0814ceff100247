using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;

namespace FlashSale.MySql;

/// <summary>The ledger in an SQLite file: for the embedded profile and for tests.</summary>
public sealed class SqliteLedger : DatabaseLedger
{
    private readonly string _connectionString;
    private readonly bool _isTemporary;

    /// <param name="path">The file; null: a temporary one, deleted when this is disposed.</param>
    public SqliteLedger(string? path = null) : base(new SqliteDialect(), threads: 1, "ledger")
    {
        _isTemporary = string.IsNullOrEmpty(path);
        File = _isTemporary ? Path.Combine(Directory.CreateTempSubdirectory("flashsale-").FullName, "ledger.db") : path!;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = File, DefaultTimeout = 15 }.ConnectionString;
    }

    /// <summary>Where it is.</summary>
    public string File { get; }

    private protected override DbConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private protected override void Migrate(DbConnection connection)
    {
        // Readers of other processes (the command line) and the writer do not wait for each other.
        connection.Execute("PRAGMA journal_mode = WAL");
        using var transaction = connection.BeginTransaction();
        Migrations.Run(connection, transaction, Dialect);
        transaction.Commit();
    }

    private protected override string Describe(Exception error) => $"the ledger file {File} failed: {error.Message}";

    private protected override void Distrust(DbConnection? connection)
    {
        if (connection is SqliteConnection broken)
            SqliteConnection.ClearPool(broken);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing)
            return;
        using (var any = new SqliteConnection(_connectionString))
            SqliteConnection.ClearPool(any);
        if (_isTemporary && Path.GetDirectoryName(File) is { } folder && Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
