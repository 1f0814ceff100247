namespace FlashSale.Chaos.Faults;

/// <summary>Which fault hits whom and when: a pure function of the seed, the kinds and the time. What the machine does meanwhile has no part in it, so that a seed replays its faults.</summary>
internal static class FaultPlan
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    public static IReadOnlyList<PlannedFault> Draw(int seed, IReadOnlyList<FaultKind> kinds, TimeSpan duration)
    {
        var random = new Random(seed);
        var busyUntil = new Dictionary<string, TimeSpan>(StringComparer.Ordinal);
        var plan = new List<PlannedFault>();
        for (var at = Interval; at < duration; at += Interval)
        {
            var free = kinds.Select(kind => (Kind: kind, Targets: Enumerable.Range(0, kind.Targets.Count)
                .Where(t => busyUntil.GetValueOrDefault(FaultKind.PartOf(kind.Targets[t])) <= at).ToList())).Where(k => k.Targets.Count > 0).ToList();
            // With few kinds, all that they can hit may be busy.
            if (free.Count == 0)
                continue;
            var (kind, targets) = free[random.Next(free.Count)];
            var fault = new PlannedFault(at, kind, targets[random.Next(targets.Count)], random.Next());
            busyUntil[FaultKind.PartOf(fault.TargetName)] = at + kind.Lasts;
            plan.Add(fault);
        }

        return plan;
    }

    /// <summary>The kinds that a list names: by name, or by the word before the dash for all that share it.</summary>
    /// <exception cref="ChaosException">A name that no kind has.</exception>
    public static IReadOnlyList<FaultKind> Choose(string? list)
    {
        if (list is null)
            return FaultCatalog.All;
        var chosen = new List<FaultKind>();
        foreach (var name in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var found = FaultCatalog.All.Where(k => k.Name == name || k.Name.StartsWith(name + "-", StringComparison.Ordinal)).ToList();
            if (found.Count == 0)
                throw new ChaosException($"--faults: there is no fault '{name}'; there are {string.Join(", ", FaultCatalog.All.Select(k => k.Name))}");
            chosen.AddRange(found.Where(k => !chosen.Contains(k)));
        }

        return chosen.Count > 0 ? chosen : throw new ChaosException("--faults: the list is empty");
    }
}
