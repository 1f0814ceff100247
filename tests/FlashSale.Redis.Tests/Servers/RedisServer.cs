using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using FlashSale.Chaos.Processes;
using StackExchange.Redis;

namespace FlashSale.Redis.Tests.Servers;

/// <summary>A private redis-server on a free loopback port, with a data folder of its own; killed at the end.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(10);

    private readonly string[] _arguments;
    private readonly string _folder = Directory.CreateTempSubdirectory("flashsale-redis-").FullName;
    private Process? _process;

    private RedisServer(int port, string[] arguments)
    {
        Port = port;
        _arguments = arguments;
    }

    public static string? Binary { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, "redis-server")).FirstOrDefault(File.Exists);

    public int Port { get; }

    public string Address => $"127.0.0.1:{Port}";

    public static async Task<RedisServer> StartAsync(params string[] arguments)
    {
        if (Binary is null)
            throw new InvalidOperationException("these tests need a Redis: set FLASHSALE_TEST_REDIS to host:port, or install redis-server");
        var server = new RedisServer(Ports.OfThisProcess.Next(), arguments);
        await server.StartAgainAsync();
        return server;
    }

    public async Task StartAgainAsync()
    {
        var start = new ProcessStartInfo(Binary!, ["--port", $"{Port}", "--bind", "127.0.0.1", "--dir", _folder, "--save", "", "--loglevel", "warning", .. _arguments])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        var until = Stopwatch.GetTimestamp();
        while (!await AnswersAsync())
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(until) > StartMax)
                throw new InvalidOperationException($"redis-server on port {Port} did not start");
            await Task.Delay(20);
        }
    }

    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Sends one command by hand to this server alone, whatever a cluster says about it; returns the first line of the answer, or the text of a bulk one.</summary>
    public async Task<string> SendAsync(string command)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"));
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var line = await reader.ReadLineAsync() ?? "";
        if (!line.StartsWith('$'))
            return line;
        var text = new char[int.Parse(line.AsSpan(1))];
        await reader.ReadBlockAsync(text);
        return new string(text);
    }

    /// <summary>A client of the test's own, for looking and for breaking things.</summary>
    public static Task<ConnectionMultiplexer> OpenAsync(string address) => ConnectionMultiplexer.ConnectAsync($"{address},allowAdmin=true");

    private async Task<bool> AnswersAsync()
    {
        try
        {
            return await SendAsync("PING") is { Length: > 0 } answer && !answer.StartsWith("-LOADING", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }
}

/// <summary>A test that breaks a server, and therefore needs one of its own.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OwnServerFactAttribute : FactAttribute
{
    public OwnServerFactAttribute()
    {
        if (RedisServer.Binary is null)
            Skip = "needs redis-server on the PATH";
    }
}

/// <inheritdoc cref="OwnServerFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OwnServerTheoryAttribute : TheoryAttribute
{
    public OwnServerTheoryAttribute()
    {
        if (RedisServer.Binary is null)
            Skip = "needs redis-server on the PATH";
    }
}
