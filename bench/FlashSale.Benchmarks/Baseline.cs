using System.Text.Json;

namespace FlashSale.Benchmarks;

/// <summary>The ratios to their twins that were measured before, kept in <c>bench/baseline.json</c>.</summary>
/// <param name="Tolerance">A ratio that is higher by more than this factor is a regression.</param>
/// <param name="Processors">By the processor on which they were measured, as another kind has other ratios: the ratio of each benchmark.</param>
internal sealed record Baseline(double Tolerance, SortedDictionary<string, SortedDictionary<string, double>> Processors)
{
    /// <summary>The processor here, as Linux names it, with its family, model and stepping, as a hypervisor gives several kinds one name; else its architecture.</summary>
    public static string ProcessorHere { get; } = File.Exists("/proc/cpuinfo") && Named(File.ReadLines("/proc/cpuinfo")) is { } name
        ? name
        : System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="JsonException">It cannot be read.</exception>
    public static Baseline Read(string path) =>
        JsonSerializer.Deserialize<Baseline>(File.ReadAllText(path), Json) is { Processors: not null, Tolerance: > 1 } baseline
            ? baseline
            : throw new JsonException("it lacks a tolerance above 1, or processors with their ratios");

    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Json) + Environment.NewLine);

    private static string? Named(IEnumerable<string> lines)
    {
        var values = lines.TakeWhile(static l => l.Length > 0).Select(static l => l.Split(':', 2, StringSplitOptions.TrimEntries))
            .Where(static p => p.Length == 2).ToDictionary(static p => p[0], static p => p[1], StringComparer.Ordinal);
        return values.TryGetValue("model name", out var name)
            ? $"{name} {values.GetValueOrDefault("cpu family")}/{values.GetValueOrDefault("model")}/{values.GetValueOrDefault("stepping")}"
            : null;
    }
}
