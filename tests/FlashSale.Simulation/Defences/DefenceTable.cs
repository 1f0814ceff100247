namespace FlashSale.Simulation.Defences;

/// <summary>Takes each defence away in turn, and prints which seed finds it out.</summary>
internal sealed class DefenceTable(TextWriter output, TextWriter error)
{
    private const ulong From = 1;
    private const int SeedsMax = 6_000;

    public int Print(string? only, CancellationToken stop)
    {
        var defences = DefenceList.All.Where(d => only is null || d.Name.Contains(only, StringComparison.OrdinalIgnoreCase)).ToList();
        if (defences.Count == 0)
        {
            error.WriteLine($"simulate: no defence has '{only}' in its name");
            return ExitCodes.CouldNotRun;
        }

        try
        {
            var core = new WeakenedCore(CoreFolder());
            output.WriteLine("| defence taken away | first failing seed | violated | |");
            output.WriteLine("|---|---|---|---|");
            return only is null && !IsWhole(core) ? ExitCodes.Violated : Print(defences, core, stop);
        }
        catch (DefenceException e)
        {
            error.WriteLine($"simulate: {e.Message}");
            return ExitCodes.CouldNotRun;
        }
    }

    private int Print(List<Defence> defences, WeakenedCore core, CancellationToken stop)
    {
        var unnoticed = 0;
        for (var i = 0; i < defences.Count; i++)
        {
            if (stop.IsCancellationRequested)
            {
                output.WriteLine($"interrupted: {i} of {defences.Count} defences were taken away, {unnoticed} of them without being missed");
                return ExitCodes.Interrupted;
            }

            var found = core.Probe(defences[i], From, SeedsMax);
            output.WriteLine(found.IsFound
                ? $"| {defences[i].Name} | {found.Seed} | {found.Invariant} | {FirstLine(found.Message)} |"
                : $"| {defences[i].Name} | none in {SeedsMax} | nothing | **must be missed** |");
            if (!found.IsFound)
                unnoticed++;
        }

        output.WriteLine();
        output.WriteLine($"{defences.Count} defences, {defences.Count - unnoticed} of them missed, {unnoticed} not");
        return unnoticed == 0 ? ExitCodes.Ok : ExitCodes.Violated;
    }

    /// <summary>With nothing taken away nothing may be found.</summary>
    private bool IsWhole(WeakenedCore core)
    {
        var whole = core.Probe(null, From, SeedsMax);
        output.WriteLine(whole.IsFound ? $"| none | {whole.Seed} | {whole.Invariant} | {whole.Message} |" : $"| none | none in {SeedsMax} | nothing | |");
        return !whole.IsFound;
    }

    private static string FirstLine(string text) => text.Split('\n', 2)[0].Replace('|', '/');

    internal static string CoreFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "FlashSale.sln")))
                return Path.Combine(folder.FullName, "src", "FlashSale.Core");
        }

        throw new DefenceException("the sources of FlashSale are not above this program: run it from a clone");
    }
}
