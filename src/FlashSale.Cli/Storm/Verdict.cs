namespace FlashSale.Cli.Storm;

/// <summary>A coupon that somebody was told to have won.</summary>
internal readonly record struct ToldCoupon(int User, string Code);

/// <summary>All that is known about one campaign when the storm is over.</summary>
internal sealed record CampaignEvidence
{
    public required string CampaignId { get; init; }

    public required long Quantity { get; init; }

    public required int PerUser { get; init; }

    public required long IssuedBefore { get; init; }

    /// <summary>What each server says about the number issued, in the order of the addresses; null where one does not answer.</summary>
    public required IReadOnlyList<long?> IssuedAfter { get; init; }

    /// <summary>The coupons of all winning claims, and those found with users whose claims had no answer.</summary>
    public required IReadOnlyList<ToldCoupon> Told { get; init; }

    /// <summary>Claims answered 202.</summary>
    public required long Accepted { get; init; }

    /// <summary>Accepted claims decided as issued.</summary>
    public required long Issued { get; init; }

    /// <summary>Accepted claims decided as refused.</summary>
    public required long Refused { get; init; }

    /// <summary>Claims refused as sold out, at the door or by decision.</summary>
    public required long SoldOut { get; init; }

    /// <summary>Coupons that the claims could have taken: per user as many as claimed (answered issued or sold out), at most perUser.</summary>
    public required long Demand { get; init; }

    /// <summary>Claims that may count and whose users could not be asked.</summary>
    public long InDoubt { get; init; }

    /// <summary>Whether the decision of every accepted claim was asked for.</summary>
    public bool EveryDecisionAsked { get; init; } = true;

    /// <summary>Coupons of this campaign in the ledger; null when it was not looked at.</summary>
    public long? LedgerRows { get; init; }

    public long Decided => Issued + Refused;

    /// <summary>How many coupons the storm is known to have taken.</summary>
    public long IssuedHere => (IssuedAfter.Max() ?? IssuedBefore) - IssuedBefore;
}

/// <summary>What is known about the storm as a whole.</summary>
internal sealed record StormEvidence(IReadOnlyList<CampaignEvidence> Campaigns, long Unexpected, string? FirstUnexpected, long Contradictions, string? FirstContradiction);

/// <summary>Whether the storm was exact: nothing issued too often or too rarely, and everybody told the truth.</summary>
internal sealed record Verdict(bool Exact, string Line, IReadOnlyList<string> Violations)
{
    public static Verdict Judge(StormEvidence evidence)
    {
        var violations = new List<string>();
        foreach (CampaignEvidence campaign in evidence.Campaigns)
        {
            foreach (string violation in VerdictRules.Check(campaign))
                violations.Add($"{campaign.CampaignId}: {violation}");
        }
        violations.AddRange(VerdictRules.CheckAll(evidence));
        string summary = Summarize(evidence);
        bool exact = violations.Count == 0;
        string line = exact ? $"EXACT: {summary}" : $"NOT EXACT: {violations.Count} {(violations.Count == 1 ? "violation" : "violations")}; {summary}";
        return new Verdict(exact, line, violations);
    }

    private static string Summarize(StormEvidence evidence)
    {
        IReadOnlyList<CampaignEvidence> campaigns = evidence.Campaigns;
        long issued = campaigns.Sum(c => c.IssuedHere);
        long quantity = campaigns.Sum(c => c.Quantity - c.IssuedBefore);
        long winners = campaigns.Sum(c => (long)c.Told.Select(t => t.User).Distinct().Count());
        long accepted = campaigns.Sum(c => c.Accepted);
        long decided = campaigns.Sum(c => c.Decided);
        string among = campaigns.Count == 1 ? "" : $" in {campaigns.Count} campaigns";
        return campaigns.All(c => c.EveryDecisionAsked)
            ? $"{issued:N0} of {quantity:N0} issued to {winners:N0} users{among}; {accepted:N0} accepted {(accepted == decided ? "=" : "but")} {decided:N0} decided"
            : $"{issued:N0} of {quantity:N0} issued{among}; {accepted:N0} accepted, {decided:N0} asked about";
    }
}

/// <summary>The rules; each gives a line for what breaks it, with numbers.</summary>
internal static class VerdictRules
{
    public static IEnumerable<string> Check(CampaignEvidence c)
    {
        if (c.IssuedAfter.All(i => i is null))
        {
            yield return "no server tells how many were issued";
            yield break;
        }
        long issued = c.IssuedAfter.Max()!.Value;
        if (c.IssuedAfter.Distinct().Count() > 1)
            yield return $"the servers disagree on the number issued: {string.Join(", ", c.IssuedAfter.Select(i => i?.ToString("N0") ?? "no answer"))}";
        if (issued > c.Quantity)
            yield return $"oversold: {issued:N0} issued of {c.Quantity:N0}";
        if (c.IssuedBefore + c.Told.Count > c.Quantity)
            yield return $"oversold: {c.Told.Count:N0} callers were told to have won, {c.Quantity - c.IssuedBefore:N0} were left";
        foreach (string violation in CheckTold(c).Concat(CheckDecided(c)).Concat(CheckSoldOut(c, issued)))
            yield return violation;
        if (c.LedgerRows is { } rows && rows != issued)
            yield return $"the ledger has {rows:N0} coupons, {issued:N0} were issued";
    }

    public static IEnumerable<string> CheckAll(StormEvidence evidence)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        List<string> twice = [.. evidence.Campaigns.SelectMany(c => c.Told).Select(t => t.Code).Where(code => !seen.Add(code))];
        if (twice.Count > 0)
            yield return $"{twice.Count:N0} coupon codes were told to more than one claim, such as {twice[0]}";
        if (evidence.Contradictions > 0)
            yield return $"{evidence.Contradictions:N0} claims were told two outcomes, such as {evidence.FirstContradiction}";
        if (evidence.Unexpected > 0)
            yield return $"{evidence.Unexpected:N0} claims got an answer that the interface does not know, such as {evidence.FirstUnexpected}";
    }

    private static IEnumerable<string> CheckTold(CampaignEvidence c)
    {
        long told = c.Told.Count;
        bool mayBeMore = !c.EveryDecisionAsked;
        if (told > c.IssuedHere)
            yield return $"{told:N0} callers were told to have won, the campaign counts {c.IssuedHere:N0}";
        else if (told < c.IssuedHere && !mayBeMore)
            yield return $"the campaign counts {c.IssuedHere:N0} issued, only {told:N0} callers were told{(c.InDoubt > 0 ? $" ({c.InDoubt:N0} claims had no answer and could not be looked up)" : "")}";
        List<int> greedy = [.. c.Told.GroupBy(t => t.User).Where(g => g.Select(t => t.Code).Distinct().Count() > c.PerUser).Select(g => g.Key)];
        if (greedy.Count > 0)
            yield return $"{greedy.Count:N0} users hold more than {c.PerUser}, such as user {greedy[0]}";
    }

    private static IEnumerable<string> CheckDecided(CampaignEvidence c)
    {
        if (c.EveryDecisionAsked && c.Accepted != c.Decided)
            yield return $"{c.Accepted - c.Decided:N0} accepted claims are without an outcome";
    }

    private static IEnumerable<string> CheckSoldOut(CampaignEvidence c, long issued)
    {
        if (issued >= c.Quantity)
            yield break;
        if (c.SoldOut > 0)
            yield return $"{c.SoldOut:N0} claims were refused as sold out, though only {issued:N0} of {c.Quantity:N0} are issued";
        if (c.Demand >= c.Quantity - c.IssuedBefore)
            yield return $"undersold: {issued:N0} of {c.Quantity:N0} issued, though {c.Demand:N0} were asked for";
    }
}
