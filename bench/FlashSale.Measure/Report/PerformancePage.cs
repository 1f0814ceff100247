using System.Globalization;
using System.Text;

namespace FlashSale.Measure.Report;

/// <summary>
/// The page of measured figures. What is generated stands between two marks; whatever a hand has written around them stays.
/// </summary>
internal static class PerformancePage
{
    private const string Begin = "<!-- measured: begin. scripts/measure.sh writes what stands up to the end mark. -->";
    private const string End = "<!-- measured: end -->";

    private const string NewPage = $"# Performance\n\n{Begin}\n{End}\n";

    /// <summary>Writes the page and its pictures, which lie in a folder of the page's name beside it.</summary>
    /// <exception cref="MeasureException">The page has lost its marks.</exception>
    public static void Write(string path, Results results)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        var folder = Path.Combine(Path.GetDirectoryName(path)!, name);
        Directory.CreateDirectory(folder);
        var page = Replace(File.Exists(path) ? File.ReadAllText(path) : NewPage, Generate(results, name), path);
        foreach (var row in results.Rows)
        {
            foreach (var picture in row.Pictures)
                File.WriteAllText(Path.Combine(folder, $"{picture.Name}.svg"), PictureSvg.Draw(picture));
            if (row.Profile.Count > 0 && row.TwinProfile.Count == 0)
                File.WriteAllText(Path.Combine(folder, $"{row.Row}-profile.svg"), PictureSvg.Draw("CPU time of one claim, by process", Processes(row)));
        }

        File.WriteAllText(path, page);
    }

    /// <summary>The page with its generated part exchanged.</summary>
    public static string Replace(string page, string generated, string path)
    {
        var begin = page.IndexOf(Begin, StringComparison.Ordinal);
        var end = page.IndexOf(End, StringComparison.Ordinal);
        return begin >= 0 && end > begin
            ? $"{page[..(begin + Begin.Length)]}\n{generated}{page[end..]}"
            : throw new MeasureException($"{path} lacks the marks between which the figures stand: put these two lines back, in this order: {Begin} {End}");
    }

    public static string Generate(Results results, string folder)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"\nMachine: {results.Machine}. Load generator, server and all servers share it.\n\n");
        text.Append(CultureInfo.InvariantCulture, $"Versions: {string.Join("; ", results.Versions)}.\n\n");
        text.Append("Medians over rounds; in brackets lowest and highest. A ratio is the median of the rounds' ratios.\n\n");
        text.Append("| figure | ours | twin | compared | goal | met |\n|---|---|---|---|---|---|\n");
        foreach (var row in results.Rows)
        {
            foreach (var figure in row.Figures)
                text.Append(CultureInfo.InvariantCulture, $"| {figure.Name} | {Values(figure.Ours, figure.Unit)} | {(figure.Twin.Count > 0 ? Values(figure.Twin, figure.Unit) : "")} | {Compared(figure)} | {Goal(figure)} | {Met(figure)} |\n");
            if (row.Failure is not null)
                text.Append(CultureInfo.InvariantCulture, $"| {row.Title} | | | | | not measured: {row.Failure} |\n");
        }

        text.Append("\nBeside them:\n");
        foreach (var figure in results.Rows.SelectMany(r => r.Figures).Where(f => f.Note is not null))
            text.Append(CultureInfo.InvariantCulture, $"- {figure.Name}: {figure.Note}.\n");
        text.Append(CultureInfo.InvariantCulture, $"- Measured: {string.Join(", ", results.Rows.Select(r => $"{r.Row} {r.At:yyyy-MM-dd HH:mm} UTC"))}.\n");
        foreach (var row in results.Rows)
        {
            Profile(text, row, folder);
            foreach (var picture in row.Pictures)
                text.Append(CultureInfo.InvariantCulture, $"\n![{picture.Title}]({folder}/{picture.Name}.svg)\n");
        }

        return text.Append('\n').ToString();
    }

    /// <summary>The same table for a console.</summary>
    public static string Plain(IEnumerable<RowResult> rows)
    {
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            foreach (var figure in row.Figures)
            {
                var twin = figure.Twin.Count > 0 ? $"; twin {Number(Figure.Median(figure.Twin))}" : "";
                var goal = figure.Goal == Measure.Goal.None ? "" : $"; {(Compared(figure) is { Length: > 0 } compared ? $"{compared}, " : "")}goal {Goal(figure)}: {Met(figure)}";
                text.Append(CultureInfo.InvariantCulture, $"  {figure.Name}: {Number(Figure.Median(figure.Ours))} {figure.Unit}{twin}{goal}\n");
            }

            if (row.Failure is not null)
                text.Append(CultureInfo.InvariantCulture, $"  {row.Title}: not measured: {row.Failure}\n");
        }

        return text.ToString();
    }

    private static void Profile(StringBuilder text, RowResult row, string folder)
    {
        if (row.Profile.Count == 0)
            return;
        if (row.TwinProfile.Count > 0)
        {
            ComparedProfile(text, row);
            return;
        }

        text.Append("\n### What one claim costs\nMicroseconds of CPU time for an accepted claim at full load, by process, and for the server by what its threads do.\n\n");
        text.Append("| process | own code | kernel | together |\n|---|---|---|---|\n");
        foreach (var share in row.Profile)
            text.Append(CultureInfo.InvariantCulture, $"| {share.Process} | {share.User:F1} | {share.System:F1} | {share.Total:F1} |\n");
        text.Append(CultureInfo.InvariantCulture, $"\n![CPU time of one claim, by process]({folder}/{row.Row}-profile.svg)\n");
    }

    private static void ComparedProfile(StringBuilder text, RowResult row)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n### Where the difference is: {row.Title}\nMicroseconds of CPU time for an accepted claim, means over the rounds; of all servers together.\n\n");
        text.Append("| process | ours | twin | more | of it in the kernel |\n|---|---|---|---|---|\n");
        foreach (var share in row.Profile)
        {
            var twin = row.TwinProfile.FirstOrDefault(t => t.Process == share.Process) ?? new CpuShare(share.Process, 0, 0);
            text.Append(CultureInfo.InvariantCulture, $"| {share.Process} | {share.Total:F1} | {twin.Total:F1} | {share.Total - twin.Total:F1} | {share.System - twin.System:F1} |\n");
        }
    }

    private static List<CpuShare> Processes(RowResult row) => [.. row.Profile.Where(p => !p.Process.Contains(':', StringComparison.Ordinal))];

    private static string Values(IReadOnlyList<double> values, string unit) => values.Count switch
    {
        0 => "",
        1 => $"{Number(values[0])} {unit}",
        _ => $"{Number(Figure.Median(values))} {unit} ({Number(values.Min())} to {Number(values.Max())})",
    };

    private static string Compared(Figure figure)
    {
        var (lowest, highest) = figure.Spread;
        return figure.Goal switch
        {
            Measure.Goal.RatioAtLeast or Measure.Goal.RatioAtMost => string.Create(CultureInfo.InvariantCulture, $"{figure.Compared:F2} ({lowest:F2} to {highest:F2})"),
            Measure.Goal.DifferenceAtMost => $"{Number(figure.Compared)} more",
            _ => "",
        };
    }

    private static string Goal(Figure figure) => figure.Goal switch
    {
        Measure.Goal.None => "",
        Measure.Goal.RatioAtLeast => string.Create(CultureInfo.InvariantCulture, $"≥ {figure.Limit:0.##} of the twin"),
        Measure.Goal.RatioAtMost => string.Create(CultureInfo.InvariantCulture, $"≤ {figure.Limit:0.##} of the twin"),
        Measure.Goal.DifferenceAtMost => $"≤ twin + {Number(figure.Limit)} {figure.Unit}",
        Measure.Goal.AtLeast => $"≥ {Number(figure.Limit)} {figure.Unit}",
        _ => $"≤ {Number(figure.Limit)} {figure.Unit}",
    };

    private static string Met(Figure figure) => figure.Met switch
    {
        null => "",
        true => "yes",
        false => "**no**",
    };

    private static string Number(double value) => Math.Abs(value) switch
    {
        >= 100 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.#", CultureInfo.InvariantCulture),
        _ => value.ToString("0.##", CultureInfo.InvariantCulture),
    };
}
