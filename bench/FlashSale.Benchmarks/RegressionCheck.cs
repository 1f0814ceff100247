using Spectre.Console;

namespace FlashSale.Benchmarks;

/// <summary>
/// Compares ratios with those of before. Noise makes a ratio worse as often as a defect does, but not every time: a class that is over
/// the tolerance is measured again, and the lowest ratio counts.
/// </summary>
internal static class RegressionCheck
{
    private const int RoundsMax = 4;

    /// <summary>Yields what is over the tolerance.</summary>
    public static List<string> Run(SortedDictionary<string, double> baseline, double tolerance)
    {
        var regressions = new List<string>();
        var table = new Table().AddColumns("benchmark", "ratio before", "ratio now", "change", "rounds");
        foreach (var type in Runner.Classes.Where(Runner.IsStable))
            Check(type, baseline, tolerance, table, regressions);
        AnsiConsole.Write(table);
        return regressions;
    }

    /// <summary>The middle ratios of several rounds: what a baseline is made of. The lowest ones would be those that chance helped most.</summary>
    public static SortedDictionary<string, double> Measure() => new(
        Enumerable.Range(0, RoundsMax)
            .SelectMany(static _ => Runner.Classes.Where(Runner.IsStable).SelectMany(PairedRun.Run))
            .GroupBy(static r => r.Name)
            .ToDictionary(static g => g.Key, static g => g.Select(r => r.Ratio).Order().ElementAt(RoundsMax / 2)),
        StringComparer.Ordinal);

    private static void Check(Type type, SortedDictionary<string, double> baseline, double tolerance, Table table, List<string> regressions)
    {
        var found = new SortedDictionary<string, double>(StringComparer.Ordinal);
        var rounds = 0;
        do
        {
            Lower(found, PairedRun.Run(type));
            rounds++;
        }
        while (rounds < RoundsMax && found.Any(f => IsOver(f.Key, f.Value)));

        foreach (var (name, ratio) in found)
        {
            var before = baseline.TryGetValue(name, out var known) ? known : double.NaN;
            var isOver = IsOver(name, ratio);
            if (isOver)
                regressions.Add($"{name}: {ratio:F2} times its twin, {before:F2} before");
            table.AddRow(name, $"{before:F2}", $"{ratio:F2}", isOver ? $"[red]{ratio / before:F2}[/]" : $"{ratio / before:F2}", $"{rounds}");
        }

        bool IsOver(string name, double ratio) => baseline.TryGetValue(name, out var before) && ratio > before * tolerance;
    }

    private static void Lower(SortedDictionary<string, double> ratios, IEnumerable<(string Name, double Ratio)> measured)
    {
        foreach (var (name, ratio) in measured)
            ratios[name] = ratios.TryGetValue(name, out var before) ? Math.Min(before, ratio) : ratio;
    }
}
