using System.Diagnostics;

namespace FlashSale.Chaos.Servers;

/// <summary>A folder that is a file system of its own and of limited size (tmpfs), so that it can be full. Where it may not be mounted, a plain folder.</summary>
internal sealed class SmallDisk(string folder, int megabytes) : IAsyncDisposable
{
    private readonly string _filler = Path.Combine(folder, "filler");

    public string Folder => folder;

    /// <summary>Whether it is of limited size.</summary>
    public bool IsSmall { get; private set; }

    public async Task MountAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(folder);
        IsSmall = await RunAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m,mode=0700", "flashsale-chaos", folder).WaitAsync(cancel);
    }

    /// <summary>Leaves no room at all.</summary>
    public void Fill()
    {
        var block = new byte[1 << 20];
        using var file = new FileStream(_filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        // Ever smaller blocks, as the last free pages are not a whole megabyte.
        for (var size = block.Length; size >= 4_096;)
        {
            try
            {
                file.Write(block, 0, size);
            }
            catch (IOException)
            {
                size /= 2;
            }
        }
    }

    public void Empty() => File.Delete(_filler);

    public async ValueTask DisposeAsync()
    {
        if (IsSmall && !await RunAsync("umount", folder))
            throw new ChaosException($"{folder} could not be unmounted");
        IsSmall = false;
    }

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
            await process.WaitForExitAsync();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
