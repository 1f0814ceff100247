using System.Globalization;

namespace FlashSale.Measure.Running;

/// <summary>CPU time in seconds.</summary>
internal readonly record struct CpuTime(double User, double System)
{
    public double Total => User + System;

    public static CpuTime operator -(CpuTime a, CpuTime b) => new(a.User - b.User, a.System - b.System);

    public static CpuTime operator +(CpuTime a, CpuTime b) => new(a.User + b.User, a.System + b.System);
}

/// <summary>What the kernel tells of processes.</summary>
internal static class ProcFs
{
    /// <summary>Linux tells times in hundredths of a second on every architecture that .NET runs on.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>CPU time of a process and of its threads that have ended; zero once it is gone.</summary>
    public static CpuTime Cpu(int pid) => Times($"/proc/{pid}/stat");

    /// <summary>CPU time of each thread that lives, and what it is for.</summary>
    public static IReadOnlyDictionary<int, (string Purpose, CpuTime Cpu)> Threads(int pid)
    {
        var threads = new Dictionary<int, (string, CpuTime)>();
        if (!Directory.Exists($"/proc/{pid}/task"))
            return threads;
        foreach (var task in Directory.GetDirectories($"/proc/{pid}/task"))
            threads[int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture)] = (Purpose(Read(Path.Combine(task, "comm")).Trim()), Times(Path.Combine(task, "stat")));
        return threads;
    }

    /// <summary>Resident memory in bytes; 0 once the process is gone.</summary>
    public static long ResidentBytes(int pid)
    {
        var line = Read($"/proc/{pid}/status").Split('\n').FirstOrDefault(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>The machine in one line. Clouds name very different processors alike: family and model tell them apart, where there are such (x86).</summary>
    public static string Machine()
    {
        var model = Value("/proc/cpuinfo", "model name") ?? "unknown processor";
        if (Value("/proc/cpuinfo", "cpu family") is { } family)
            model += $", family {family}, model {Value("/proc/cpuinfo", "model\t")}";
        var kilobytes = long.Parse(Value("/proc/meminfo", "MemTotal")!.Split(' ')[0], CultureInfo.InvariantCulture);
        var system = Value("/etc/os-release", "PRETTY_NAME", '=')?.Trim('"') ?? Environment.OSVersion.ToString();
        return string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} cores ({model}), {kilobytes / 1024.0 / 1024:F0} GB, {system}, Linux {Environment.OSVersion.Version}");
    }

    private static string? Value(string file, string key, char separator = ':') =>
        Read(file).Split('\n').FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal))?.Split(separator, 2)[^1].Trim();

    private static CpuTime Times(string file)
    {
        var text = Read(file);
        // The name, in parentheses, may hold anything.
        var fields = text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length < 13 ? default : new(Ticks(fields[11]), Ticks(fields[12]));
    }

    private static double Ticks(string field) => long.Parse(field, CultureInfo.InvariantCulture) / TicksPerSecond;

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            // Ended meanwhile.
            return "";
        }
    }

    /// <summary>The kernel keeps 15 characters of a thread's name.</summary>
    private static string Purpose(string name) =>
        name.StartsWith("rdk:", StringComparison.Ordinal) ? "Kafka client"
        : name.StartsWith(".NET Sockets", StringComparison.Ordinal) ? "sockets (requests)"
        : name.StartsWith(".NET TP", StringComparison.Ordinal) ? "thread pool"
        : name.Contains("GC", StringComparison.Ordinal) ? "garbage collector"
        : name.StartsWith("ledger", StringComparison.Ordinal) ? "ledger's database calls"
        : name.StartsWith(".NET Tiered", StringComparison.Ordinal) ? "compiler"
        : "others";
}
