using System.Text.Json;

namespace FlashSale.Benchmarks;

/// <summary>The ratios to their twins that were measured before, kept in <c>bench/baseline.json</c>.</summary>
/// <param name="Tolerance">A ratio that is higher by more than this factor is a regression.</param>
internal sealed record Baseline(double Tolerance, SortedDictionary<string, double> Ratios)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="JsonException">It cannot be read.</exception>
    public static Baseline Read(string path) =>
        JsonSerializer.Deserialize<Baseline>(File.ReadAllText(path), Json) is { Ratios: not null, Tolerance: > 1 } baseline
            ? baseline
            : throw new JsonException("it lacks a tolerance above 1, or ratios");

    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Json) + Environment.NewLine);
}
