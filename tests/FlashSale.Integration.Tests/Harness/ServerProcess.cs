using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using FlashSale.Chaos.Processes;

namespace FlashSale.Integration.Tests.Harness;

/// <summary>The server's own binary as a child process. Killed when disposed, and when the tests' process ends.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;

    private static readonly ConcurrentDictionary<Process, bool> Running = new();
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly Process _process;

    static ServerProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (var process in Running.Keys)
            process.Kill();
    };

    private ServerProcess(string name, int port, Process process)
    {
        Name = name;
        Port = port;
        Address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        _process = process;
        process.OutputDataReceived += (_, line) => Note(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Note(_errors, line.Data);
    }

    public string Name { get; }

    public int Port { get; }

    public Uri Address { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>The lines on the standard error.</summary>
    public IReadOnlyList<string> Errors => [.. _errors];

    public static ServerProcess Start(string name, IReadOnlyDictionary<string, string> settings, int? port = null)
    {
        var at = port ?? Ports.OfThisProcess.Next();
        var host = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";
        var start = new ProcessStartInfo(host, [Path.Combine(AppContext.BaseDirectory, "FlashSale.Server.dll")])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        start.Environment["ASPNETCORE_URLS"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{at}");
        foreach (var (key, value) in settings)
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        var process = new Process { StartInfo = start };
        var server = new ServerProcess(name, at, process);
        process.Start();
        Running.TryAdd(process, true);
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return server;
    }

    /// <summary>
    /// A request came to nothing as its server is not there, or was killed over it. A bare SocketException: one that resets the
    /// connection at the moment it is made, which the framework does not turn into an HttpRequestException.
    /// </summary>
    public static bool IsUnanswered(Exception e) => e is HttpRequestException or SocketException or TaskCanceledException or IOException;

    /// <summary>Status and body of /health/ready; null while nobody answers.</summary>
    public async Task<(HttpStatusCode Status, Health Health)?> HealthAsync()
    {
        try
        {
            using var response = await Http.GetAsync(new Uri(Address, "/health/ready"));
            return (response.StatusCode, (await response.Content.ReadFromJsonAsync<Health>())!);
        }
        catch (Exception e) when (IsUnanswered(e))
        {
            return null;
        }
    }

    public Task<TimeSpan> ReadyAsync(TimeSpan? within = null) => Wait.UntilAsync($"server {Name} is ready", within ?? TimeSpan.FromSeconds(40), async () =>
    {
        ThrowIfExited();
        return await HealthAsync() switch
        {
            null => "it does not answer",
            { Status: HttpStatusCode.OK } => null,
            { } found => string.Join("; ", found.Health.Reasons),
        };
    });

    /// <summary>Waits until the server answers that it is not ready, with a reason that holds the text.</summary>
    public Task<TimeSpan> NotReadyAsync(string reason, TimeSpan? within = null) => Wait.UntilAsync($"server {Name} is not ready: '{reason}'", within ?? TimeSpan.FromSeconds(20), async () =>
    {
        ThrowIfExited();
        return await HealthAsync() switch
        {
            null => "it does not answer",
            { Status: HttpStatusCode.ServiceUnavailable } found when found.Health.Reasons.Any(r => r.Contains(reason, StringComparison.Ordinal)) => null,
            { } found => $"{found.Status}: {string.Join("; ", found.Health.Reasons)}",
        };
    });

    /// <summary>Waits until the server has logged a line with this text.</summary>
    public Task<TimeSpan> SaysAsync(string text, TimeSpan? within = null) =>
        Wait.UntilAsync($"server {Name} logs '{text}'", within ?? TimeSpan.FromSeconds(20), () => Said(text));

    public bool Said(string text) => _output.Any(line => line.Contains(text, StringComparison.Ordinal)) || _errors.Any(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>What the server says of its partitions.</summary>
    public async Task<IReadOnlyList<PartitionInfo>> PartitionsAsync()
    {
        var found = await Http.GetFromJsonAsync<PartitionsInfo>(new Uri(Address, "/api/admin/partitions"));
        return found!.Partitions;
    }

    /// <summary>The dead letters as the server lists them.</summary>
    public async Task<IReadOnlyList<DeadLetterInfo>> DeadLettersAsync() =>
        (await Http.GetFromJsonAsync<DeadLettersInfo>(new Uri(Address, "/api/admin/dead-letters")))!.DeadLetters;

    /// <summary>Numbers of the partitions that the server decides at the moment.</summary>
    public async Task<IReadOnlyList<int>> OwnedAsync() => [.. (await PartitionsAsync()).Where(p => p.State == "running").Select(p => p.Partition)];

    public void Kill() => Signal(SigKill);

    public void Terminate() => Signal(SigTerm);

    public void Stop() => Signal(SigStop);

    public void Continue() => Signal(SigCont);

    /// <summary>Waits for the end of the process and yields its exit code.</summary>
    public async Task<int> ExitAsync(TimeSpan within)
    {
        await Wait.UntilAsync($"server {Name} ends", within, () => _process.HasExited);
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>The last lines that the server has logged.</summary>
    public IEnumerable<string> Tail(int lines) => _output.Concat(_errors).TakeLast(lines);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        Running.TryRemove(_process, out _);
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);

    private void Signal(int signal)
    {
        if (SendSignal(_process.Id, signal) != 0)
            throw new InvalidOperationException($"signal {signal} was not sent to server {Name}: error {Marshal.GetLastPInvokeError()}");
    }

    private void ThrowIfExited()
    {
        if (_process.HasExited)
            throw new InvalidOperationException($"server {Name} has ended with exit code {_process.ExitCode}");
    }

    private static void Note(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null)
            lines.Enqueue(line);
    }
}

internal sealed record Health(string Status, IReadOnlyList<string> Reasons);

internal sealed record PartitionsInfo(string? LogId, IReadOnlyList<PartitionInfo> Partitions);

internal sealed record PartitionInfo(int Partition, long LogEnd, long Applied, long? Told, long? Written, string State, string? Reason, string? LedgerState, string? LedgerReason);

internal sealed record DeadLettersInfo(IReadOnlyList<DeadLetterInfo> DeadLetters);

internal sealed record DeadLetterInfo(int Partition, string Address, string Reason);
