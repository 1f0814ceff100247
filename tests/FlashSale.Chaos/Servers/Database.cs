using System.Data.Common;
using System.Security.Cryptography;
using FlashSale.Chaos.Processes;
using FlashSale.Core.Ledger;
using FlashSale.MySql;

namespace FlashSale.Chaos.Servers;

/// <summary>A MariaDB or MySQL with the ledger in it.</summary>
internal sealed class Database : IAsyncDisposable
{
    private const string Name = "flashsale";

    private static readonly TimeSpan ServingWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan InstallWithin = TimeSpan.FromSeconds(60);

    private readonly string _program;
    private readonly string _folder;
    private readonly string _logs;
    private readonly string _password = RandomNumberGenerator.GetHexString(24);
    private readonly int _port;
    private readonly string _socket;
    private readonly MySqlLedger _ledger;

    public Database(string program, string folder, string logs, Ports ports)
    {
        _program = program;
        _folder = Path.Combine(folder, "database");
        _logs = logs;
        _port = ports.Next();
        // The path of a socket may have 107 characters.
        _socket = Path.Combine(Path.GetTempPath(), $"flashsale-chaos-{_port}.sock");
        ConnectionString = $"Server=127.0.0.1;Port={_port};Database={Name};User Id={Name};Password={_password}";
        Process = new ChildProcess("database", logs, LaunchServer);
        _ledger = new MySqlLedger(new MySqlOptions { ConnectionString = ConnectionString, Writers = 1, CommandTimeout = TimeSpan.FromSeconds(5) });
    }

    public string ConnectionString { get; }

    public ChildProcess Process { get; }

    public async Task StartAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(_folder);
        await File.WriteAllTextAsync(InitFile, $"""
            CREATE DATABASE IF NOT EXISTS {Name} CHARACTER SET utf8mb4;
            CREATE USER IF NOT EXISTS '{Name}'@'127.0.0.1' IDENTIFIED BY '{_password}';
            GRANT ALL ON `{Name}`.* TO '{Name}'@'127.0.0.1';

            """, cancel);
        await InstallAsync(cancel);
        Process.Start();
        await ServingAsync(cancel);
    }

    public Task ServingAsync(CancellationToken cancel) => Process.ServingAsync(ServingWithin, async () =>
    {
        try
        {
            await _ledger.RunAsync(static c => Scalar(c, "SELECT 1"), cancel);
            return null;
        }
        catch (LedgerUnavailableException e)
        {
            return e.Message;
        }
    }, cancel);

    /// <summary>Cuts every connection of the servers; yields how many.</summary>
    public async Task<int> CutConnectionsAsync(CancellationToken cancel)
    {
        try
        {
            return await _ledger.RunAsync(static c =>
            {
                var ids = Scalar(c, "SELECT GROUP_CONCAT(id) FROM information_schema.processlist WHERE id <> CONNECTION_ID()");
                var connections = ids?.Split(',') ?? [];
                return connections.Count(id => TryKill(c, id));
            }, cancel);
        }
        catch (LedgerUnavailableException e)
        {
            throw new ChaosException($"the database's connections could not be cut: {e.Message}", e);
        }
    }

    /// <summary>The last command record of a partition whose outcomes are written; -1 where the database does not answer.</summary>
    public async Task<long> WrittenAsync(int partition, CancellationToken cancel)
    {
        try
        {
            return (await _ledger.ReadMarkAsync(partition, cancel))?.Written.Offset ?? 0;
        }
        catch (LedgerUnavailableException)
        {
            return -1;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        _ledger.Dispose();
        File.Delete(_socket);
        File.Delete(_socket + ".lock");
    }

    private string Data => Path.Combine(_folder, "data");

    private string InitFile => Path.Combine(_folder, "init.sql");

    private async Task InstallAsync(CancellationToken cancel)
    {
        string[] common = ["--no-defaults", $"--datadir={Data}", $"--user={Environment.UserName}"];
        await using var install = new ChildProcess("database-install", _logs, () => Programs.MariaDbInstall() is { } program
            ? new Launch(program, [.. common, "--skip-test-db", "--skip-name-resolve", "--auth-root-authentication-method=socket"], new Dictionary<string, string>())
            : new Launch(_program, [.. common, "--initialize-insecure"], new Dictionary<string, string>()));
        install.Start();
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timeout.CancelAfter(InstallWithin);
        if (await install.ExitAsync(timeout.Token) != 0)
            throw new ChaosException($"the database could not create its data folder; see {install.Log}");
    }

    private Launch LaunchServer() => new(_program,
    [
        "--no-defaults", $"--user={Environment.UserName}", $"--datadir={Data}", $"--socket={_socket}", $"--pid-file={Path.Combine(_folder, "server.pid")}",
        "--bind-address=127.0.0.1", $"--port={_port}", $"--init-file={InitFile}", "--skip-name-resolve", "--local-infile=0", "--character-set-server=utf8mb4",
        "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=128M", "--max-connections=200",
    ], new Dictionary<string, string>());

    private static bool TryKill(DbConnection connection, string id)
    {
        try
        {
            Scalar(connection, $"KILL {id}");
            return true;
        }
        catch (DbException)
        {
            // It has gone by itself meanwhile.
            return false;
        }
    }

    private static string? Scalar(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants and numbers that the server itself has told.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteScalar()?.ToString();
    }
}
