using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

// These tests kill servers that all of them share.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace FlashSale.Integration.Tests.Harness;

/// <summary>
/// The real servers of these tests: those that the FLASHSALE_TEST_* variables name (scripts/test.sh sets them), else a private
/// stack of scripts/stack.sh for as long as the tests run.
/// </summary>
public sealed class Stack : IAsyncLifetime
{
    /// <summary>stack.sh gives each server 20 s to answer; two of them may have to wait for another stack's lock.</summary>
    private static readonly TimeSpan ScriptTimeout = TimeSpan.FromSeconds(60);

    private const int StartAttempts = 3;

    private readonly string _root = FindRoot();
    private string _runDir = "";
    private bool _isOurs;

    /// <summary>The folder of Apache Kafka, found as the scripts find it; null where there is none.</summary>
    internal static string? KafkaHome { get; } = FindKafkaHome();

    public string Kafka { get; private set; } = "";

    public string Redis { get; private set; } = "";

    public string MySql { get; private set; } = "";

    internal static bool IsWithoutKafka =>
        Environment.GetEnvironmentVariable("FLASHSALE_TEST_STACK") is { Length: > 0 } && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("FLASHSALE_TEST_KAFKA"));

    public async Task InitializeAsync()
    {
        if (IsWithoutKafka)
            return;
        if (Environment.GetEnvironmentVariable("FLASHSALE_TEST_STACK") is { Length: > 0 } given)
        {
            _runDir = given;
            Kafka = Variable("FLASHSALE_TEST_KAFKA");
            Redis = Variable("FLASHSALE_TEST_REDIS");
            MySql = Variable("FLASHSALE_TEST_MYSQL");
            return;
        }

        _isOurs = true;
        _runDir = Directory.CreateTempSubdirectory("flashsale-tests").FullName;
        await ScriptAsync("up");
        var addresses = (await File.ReadAllLinesAsync(Path.Combine(_runDir, "stack.env")))
            .Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1].Trim('\''));
        if (addresses["KAFKA_REAL"] != "true")
            throw new InvalidOperationException("these tests need Kafka: set KAFKA_HOME (see scripts/stack.sh --help)");
        Kafka = addresses["KAFKA_BOOTSTRAP"];
        Redis = addresses["REDIS"];
        MySql = addresses["MYSQL"];
    }

    public async Task DisposeAsync()
    {
        if (!_isOurs)
            return;
        await ScriptAsync("wipe");
        if (Directory.Exists(_runDir))
            Directory.Delete(_runDir, recursive: true);
    }

    /// <summary>SIGKILLs a server (kafka, redis or mysql). It is started again with what this returns, at the latest when that is disposed.</summary>
    internal async Task<Killed> KillAsync(string server)
    {
        await ScriptAsync("kill", server);
        return new Killed(() => StartAsync(server));
    }

    /// <summary>stack.sh waits for 20 s; on a busy machine a Kafka that was killed may need longer, and waiting for it again does no harm.</summary>
    private async Task StartAsync(string server)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await ScriptAsync("start", server);
                return;
            }
            catch (InvalidOperationException) when (attempt < StartAttempts)
            {
                // It is tried again.
            }
        }
    }

    /// <summary>Sends one command to Redis and yields the first line of its answer.</summary>
    internal async Task<string> RedisAsync(string command)
    {
        var colon = Redis.LastIndexOf(':');
        using var client = new TcpClient();
        await client.ConnectAsync(Redis[..colon], int.Parse(Redis.AsSpan(colon + 1), System.Globalization.CultureInfo.InvariantCulture));
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"));
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(10)) ?? "";
        return answer.StartsWith('-') ? throw new InvalidOperationException($"Redis refused {command}: {answer}") : answer;
    }

    private async Task ScriptAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("bash", [Path.Combine(_root, "scripts", "stack.sh"), .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["FLASHSALE_RUN_DIR"] = _runDir;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var said = new StringBuilder();
        void Note(object _, DataReceivedEventArgs line)
        {
            lock (said)
                said.AppendLine(line.Data);
        }

        process.OutputDataReceived += Note;
        process.ErrorDataReceived += Note;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        // Not WaitForExitAsync: that also waits for the end of the output, which a started server may have inherited.
        await Wait.UntilAsync($"stack.sh {string.Join(' ', arguments)}", ScriptTimeout, () => process.HasExited);
        lock (said)
        {
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"stack.sh {string.Join(' ', arguments)} ended with {process.ExitCode}: {said}");
        }
    }

    private static string Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : throw new InvalidOperationException($"{name} is not set, but FLASHSALE_TEST_STACK is");

    private static string? FindKafkaHome()
    {
        var start = new ProcessStartInfo("bash", ["-c", "source \"$0\" && kafka_home", Path.Combine(FindRoot(), "scripts", "lib.sh")])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var home = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return home.Length > 0 ? home : null;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "scripts", "stack.sh")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"scripts/stack.sh was not found above {AppContext.BaseDirectory}");
    }
}

/// <summary>A server that was killed.</summary>
internal sealed class Killed(Func<Task> start) : IAsyncDisposable
{
    private bool _started;

    public async Task StartAsync()
    {
        await start();
        _started = true;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_started)
            await StartAsync();
    }
}

[CollectionDefinition(Name)]
public sealed class Servers : ICollectionFixture<Stack>
{
    public const string Name = "servers";
}

/// <summary>A test that needs real servers; left out where the machine has no Kafka.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ServersFactAttribute : FactAttribute
{
    /// <summary>Every wait within a test has a bound of its own; this ends what hangs nevertheless. The longest test takes 35 s, or 50 s on a busy machine.</summary>
    internal const int TimeoutMs = 240_000;

    public ServersFactAttribute()
    {
        if (Stack.IsWithoutKafka)
            Skip = "There is no Kafka on this machine.";
        Timeout = TimeoutMs;
    }
}

/// <inheritdoc cref="ServersFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ServersTheoryAttribute : TheoryAttribute
{
    public ServersTheoryAttribute()
    {
        if (Stack.IsWithoutKafka)
            Skip = "There is no Kafka on this machine.";
        Timeout = ServersFactAttribute.TimeoutMs;
    }
}
