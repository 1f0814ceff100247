using System.Data.Common;
using Dapper;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.MySql;

/// <summary>The ledger in MySQL or MariaDB.</summary>
public sealed class MySqlLedger : DatabaseLedger
{
    private const int PacketBytesMin = 1 << 20;
    private const int LockSeconds = 30;

    private readonly string _connectionString;
    private readonly string _address;

    /// <param name="options">Validated.</param>
    public MySqlLedger(MySqlOptions options) : base(new MySqlDialect(), options.Writers, "ledger")
    {
        var builder = options.ToBuilder();
        _connectionString = builder.ConnectionString;
        _address = $"{builder.Database} on {builder.Server}:{builder.Port}";
    }

    private protected override DbConnection Open()
    {
        var connection = new MySqlConnection(_connectionString);
        try
        {
            connection.Open();
            // MySql.Data asks for texts in the character set that they have; MariaDB's own ones (warnings, version()) are
            // in utf8mb3, a name that this driver does not know and breaks on.
            connection.Execute("SET character_set_results = utf8mb4");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Under a lock of the server, so that processes that start together do it one after the other.</summary>
    private protected override void Migrate(DbConnection connection)
    {
        if (connection.ExecuteScalar<long>("SELECT @@max_allowed_packet") is var packet and < PacketBytesMin)
            throw new LogRefusedException($"max_allowed_packet of the database server is {packet}, the ledger needs {PacketBytesMin} or more: set it there");
        const string Name = "CONCAT('flashsale:', LEFT(DATABASE(), 50))";
        if (connection.ExecuteScalar<int?>($"SELECT GET_LOCK({Name}, @LockSeconds)", new { LockSeconds }, commandTimeout: LockSeconds + 10) != 1)
            throw new LedgerUnavailableException($"another process has been migrating {_address} for more than {LockSeconds} s");
        // After a failure the connection is closed, and the server releases the lock.
        Migrations.Run(connection, null, Dialect);
        connection.Execute($"DO RELEASE_LOCK({Name})");
    }

    private protected override string Describe(Exception error) => NumberOf(error) switch
    {
        1044 or 1045 => $"the database {_address} refuses this user or password: check MySql:ConnectionString and MySql:Password ({error.Message})",
        1049 => $"there is no database {_address}: create it, or check MySql:ConnectionString",
        1040 or 1203 => $"the database {_address} has too many connections ({error.Message})",
        1205 or 1213 => $"the database {_address} gave the transaction up for another one ({error.Message})",
        var number => $"the database {_address} failed: {error.Message}{Cause(error)}" + (number == 0 ? "" : $" (error {number})"),
    };

    /// <summary>After a failure MySql.Data may keep a connection with half an answer in it, so that the pool is emptied.</summary>
    private protected override void Distrust(DbConnection? connection)
    {
        if (connection is MySqlConnection broken)
            MySqlConnection.ClearPool(broken);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing)
            return;
        using var any = new MySqlConnection(_connectionString);
        MySqlConnection.ClearPool(any);
    }

    /// <summary>MySql.Data's own message for a lost connection is no more than "fatal error".</summary>
    private static string Cause(Exception error) => error.GetBaseException() is var cause && cause != error ? $" ({cause.Message})" : "";

    private static int NumberOf(Exception? error)
    {
        // MySql.Data wraps what the server said at log-in.
        for (; error is not null; error = error.InnerException)
        {
            if (error is MySqlException { Number: > 0 } found)
                return found.Number;
        }

        return 0;
    }
}
