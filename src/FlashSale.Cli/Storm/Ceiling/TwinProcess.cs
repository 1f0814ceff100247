using System.Diagnostics;

namespace FlashSale.Cli.Storm.Ceiling;

/// <summary>The twin in a process of its own, so that its CPU time is not the generator's.</summary>
internal sealed class TwinProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartWithin = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(5);

    private readonly Process _process;

    private TwinProcess(Process process, string url)
    {
        _process = process;
        Url = url;
    }

    public string Url { get; }

    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static async Task<TwinProcess> StartAsync(bool http2, CancellationToken cancellation)
    {
        string host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        var start = new ProcessStartInfo(host, [typeof(TwinProcess).Assembly.Location, "storm", TwinCommand.Name, .. http2 ? (string[])["--http2"] : []])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process process = Process.Start(start) ?? throw new CliException("the twin could not be started.");
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(StartWithin);
        string? url = null;
        try
        {
            url = await process.StandardOutput.ReadLineAsync(timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // It says nothing: that is told below.
        }
        finally
        {
            if (url is null)
                process.Kill();
        }
        if (url is not null)
            return new TwinProcess(process, url);
        string error = await process.StandardError.ReadToEndAsync(cancellation);
        process.Dispose();
        throw new CliException($"the twin did not start within {StartWithin.TotalSeconds:0} s: {error.ReplaceLineEndings(" ").Trim()}");
    }

    public async ValueTask DisposeAsync()
    {
        // The end of its input tells it to go.
        _process.StandardInput.Close();
        using var timeout = new CancellationTokenSource(StopWithin);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }
        _process.Dispose();
    }
}
