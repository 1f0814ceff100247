using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FlashSale.Chaos.Processes;

/// <summary>How a child is started.</summary>
/// <param name="Settings">Environment variables beside those of this process.</param>
internal sealed record Launch(string Program, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Settings);

/// <summary>
/// A private child process that can be killed, paused and started again. It has a session of its own, so that Ctrl-C reaches this
/// program alone, which then ends its children; its pid file lets scripts/chaos.sh end it where this program was killed itself.
/// </summary>
internal sealed partial class ChildProcess(string name, string folder, Func<Launch> launch) : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;
    private const int TailLines = 12;

    private static readonly TimeSpan KilledWithin = TimeSpan.FromSeconds(10);

    private Process? _process;

    public string Name => name;

    public string Log { get; } = Path.Combine(folder, $"{name}.log");

    /// <summary>The process that was started last.</summary>
    public int Id => _process!.Id;

    public bool HasExited => _process is null or { HasExited: true };

    public void Start()
    {
        var how = launch();
        // The shell gives way to the program: same pid. Only so can output go straight into a file.
        var start = new ProcessStartInfo("sh", ["-c", "exec setsid \"$@\" </dev/null >>\"$0\" 2>&1", Log, how.Program, .. how.Arguments])
        {
            UseShellExecute = false,
        };
        foreach (var (key, value) in how.Settings)
            start.Environment[key] = value;
        _process?.Dispose();
        _process = Process.Start(start)!;
        File.WriteAllText(PidFile, Mark(_process.Id));
    }

    public async Task KillAsync()
    {
        Signal(SigKill);
        await EndedAsync(KilledWithin);
    }

    /// <summary>SIGTERM, and the end of the process; SIGKILL where it takes longer than that.</summary>
    public async Task TerminateAsync(TimeSpan within)
    {
        Signal(SigTerm);
        try
        {
            await EndedAsync(within);
        }
        catch (ChaosException)
        {
            await KillAsync();
        }
    }

    public void Freeze() => Signal(SigStop);

    public void Thaw() => Signal(SigCont);

    /// <summary>Waits for the end of the process by itself; yields its exit code.</summary>
    public async Task<int> ExitAsync(CancellationToken cancel)
    {
        await _process!.WaitForExitAsync(cancel);
        return _process.ExitCode;
    }

    /// <summary>Waits until the process serves.</summary>
    /// <param name="missing">Null when it does, else what is missing.</param>
    public async Task ServingAsync(TimeSpan within, Func<Task<string?>> missing, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        while (await missing() is { } reason)
        {
            if (HasExited)
                throw new ChaosException($"{name} ended at once; the end of its log:{Environment.NewLine}{Tail()}");
            if (clock.Elapsed > within)
                throw new ChaosException($"{name} does not serve after {within.TotalSeconds:0} s ({reason}); the end of its log:{Environment.NewLine}{Tail()}");
            await Task.Delay(100, cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is null)
            return;
        if (!HasExited)
            await KillAsync();
        File.Delete(PidFile);
        _process.Dispose();
        _process = null;
    }

    private string PidFile => Path.Combine(folder, $"{name}.pid");

    private async Task EndedAsync(TimeSpan within)
    {
        using var timeout = new CancellationTokenSource(within);
        try
        {
            await _process!.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            throw new ChaosException($"{name} is still there after {within.TotalSeconds:0} s");
        }
    }

    private void Signal(int signal)
    {
        // An ended child keeps its pid until it is waited for, which this object alone does.
        if (!HasExited && SendSignal(_process!.Id, signal) != 0 && !HasExited)
            throw new ChaosException($"signal {signal} could not be sent to {name}: error {Marshal.GetLastPInvokeError()}");
    }

    private string Tail() => File.Exists(Log) ? string.Join(Environment.NewLine, File.ReadLines(Log).TakeLast(TailLines)) : "";

    /// <summary>"pid starttime boot", as scripts/lib.sh writes it: never taken for another process that got the same pid.</summary>
    private static string Mark(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var startTime = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        return $"{pid} {startTime} {File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()}\n";
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}
