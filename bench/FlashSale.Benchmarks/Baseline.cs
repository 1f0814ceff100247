using System.Text.Json;

namespace FlashSale.Benchmarks;

/// <summary>The ratios to their twins that were measured before, kept in <c>bench/baseline.json</c>.</summary>
/// <param name="Tolerance">A ratio that is higher by more than this factor is a regression.</param>
/// <param name="Processors">By the processor on which they were measured, as another kind has other ratios: the ratio of each benchmark.</param>
internal sealed record Baseline(double Tolerance, SortedDictionary<string, SortedDictionary<string, double>> Processors)
{
    /// <summary>The processor here, as Linux names it; else its architecture.</summary>
    public static string ProcessorHere => (File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(static l => l.StartsWith("model name", StringComparison.Ordinal)) : null)
        is { } line ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() : System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="JsonException">It cannot be read.</exception>
    public static Baseline Read(string path) =>
        JsonSerializer.Deserialize<Baseline>(File.ReadAllText(path), Json) is { Processors: not null, Tolerance: > 1 } baseline
            ? baseline
            : throw new JsonException("it lacks a tolerance above 1, or processors with their ratios");

    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Json) + Environment.NewLine);
}
