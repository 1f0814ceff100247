using System.Diagnostics;
using System.Globalization;
using Dapper;
using FlashSale.Chaos.Processes;

namespace FlashSale.MySql.Tests;

/// <summary>
/// The server of these tests: the one that FLASHSALE_TEST_MYSQL names (a connection string whose user may do all on
/// databases named flashsale%), else a private mariadbd for as long as the tests run.
/// </summary>
public sealed class MySqlServer : IAsyncLifetime
{
    private const string Variable = "FLASHSALE_TEST_MYSQL";
    private static readonly string[] Folders =
        [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/opt/homebrew/bin"];

    private Process? _process;
    private string? _folder;

    public string ConnectionString { get; private set; } = "";

    public async Task InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given)
        {
            ConnectionString = given;
            return;
        }

        var server = Find("mariadbd") ?? Find("mysqld");
        var install = Find("mariadb-install-db");
        if (server is null || install is null)
            throw new InvalidOperationException($"these tests need a MySQL or MariaDB server: set {Variable} to a connection string, or install mariadb-server (mariadbd and mariadb-install-db were not found)");
        await StartAsync(server, install);
    }

    public async Task DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        if (_folder is not null)
            Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A new, empty database.</summary>
    public MySqlDatabase CreateDatabase()
    {
        var name = $"flashsale_test_{Guid.NewGuid():N}";
        try
        {
            Execute($"CREATE DATABASE {name} CHARACTER SET utf8mb4");
        }
        catch (MySqlException e)
        {
            throw new InvalidOperationException($"the user of {Variable} must be allowed to create databases: GRANT ALL ON `flashsale%`.* TO …", e);
        }

        return new MySqlDatabase(this, name);
    }

    public void Execute(string sql)
    {
        using var connection = new MySqlConnection(ConnectionString);
        connection.Open();
        connection.Execute(sql);
    }

    private async Task StartAsync(string server, string install)
    {
        // The path of a socket may have 107 characters.
        _folder = Directory.CreateTempSubdirectory("fs-my").FullName;
        var user = $"--user={Environment.UserName}";
        var data = $"--datadir={_folder}/data";
        using (var installing = Start(install, "--no-defaults", data, user, "--auth-root-authentication-method=normal", "--skip-test-db"))
        {
            await installing.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
            if (installing.ExitCode != 0)
                throw new InvalidOperationException($"mariadb-install-db ended with {installing.ExitCode}: {await installing.StandardError.ReadToEndAsync()}");
        }

        var port = Ports.OfThisProcess.Next();
        _process = Start(server, "--no-defaults", data, user, $"--socket={_folder}/s", $"--pid-file={_folder}/pid", $"--log-error={_folder}/log",
            "--bind-address=127.0.0.1", string.Create(CultureInfo.InvariantCulture, $"--port={port}"), "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M");
        ConnectionString = $"Server=127.0.0.1;Port={port};User Id=root;Connection Timeout=2;Pooling=false";
        await WaitAsync();
    }

    private async Task WaitAsync()
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                Execute("DO 1");
                return;
            }
            catch (MySqlException) when (clock.Elapsed < TimeSpan.FromSeconds(30) && !_process!.HasExited)
            {
                await Task.Delay(100);
            }
            catch (MySqlException e)
            {
                throw new InvalidOperationException($"mariadbd did not come up: {await File.ReadAllTextAsync($"{_folder}/log")}", e);
            }
        }
    }

    private static string? Find(string name) =>
        Folders.Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists);

    private static Process Start(string file, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(file, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
}

/// <summary>A database of one test.</summary>
public sealed class MySqlDatabase(MySqlServer server, string name) : IDisposable
{
    public string Name => name;

    public MySqlOptions Options => new()
    {
        ConnectionString = new MySqlConnectionStringBuilder(server.ConnectionString) { Database = name, Pooling = true }.ConnectionString,
    };

    public MySqlConnection Open()
    {
        var connection = new MySqlConnection(Options.ConnectionString + ";Pooling=false");
        connection.Open();
        // As MySqlLedger, and for the same reason: what information_schema tells would break MySql.Data.
        connection.Execute("SET character_set_results = utf8mb4");
        return connection;
    }

    public void Dispose() => server.Execute($"DROP DATABASE IF EXISTS {name}");
}

[CollectionDefinition(Name)]
public sealed class MySqlTests : ICollectionFixture<MySqlServer>
{
    public const string Name = "MySql";
}
