using System.Text;

namespace FlashSale.Cli.Storm;

/// <summary>The report for people.</summary>
internal static class StormReportText
{
    public static string Format(StormReport report)
    {
        var text = new StringBuilder();
        AppendHead(text, report);
        AppendOutcomes(text, report);
        AppendLatencies(text, report);
        AppendCampaigns(text, report);
        AppendMachine(text, report);
        AppendVerdict(text, report);
        return text.ToString();
    }

    private static void AppendHead(StringBuilder text, StormReport r)
    {
        string warmUp = r.WarmUpSeconds > 0 ? $", the first {r.WarmUpSeconds:0.#} s as warm-up" : "";
        text.AppendLine();
        text.AppendLine($"Storm on {string.Join(", ", r.Urls)}");
        text.AppendLine($"{r.Users:N0} users, {r.Repeats:N0} of them twice; {r.RateIntended:N0} claims/s intended, {r.RateAchieved:N0}/s achieved; {r.StormSeconds:0.0} s{warmUp}, then {r.SettleSeconds:0.0} s until all was settled");
        text.AppendLine();
    }

    private static void AppendOutcomes(StringBuilder text, StormReport r)
    {
        Line("offered", r.Offered);
        Line("accepted (202)", r.Accepted);
        Reasons("issued", "refused", "undecided");
        Line("refused at the door", r.RefusedAtDoor);
        Reasons("refused at the door");
        Line("unknown", r.Unknown);
        Reasons("unknown");
        Line("unexpected", r.Unexpected);
        Reasons("unexpected");
        if (r.FirstUnexpected is not null)
            text.AppendLine($"    first: {r.FirstUnexpected}");
        text.AppendLine();

        void Line(string name, long count) => text.AppendLine($"  {name,-32}{count,12:N0}");

        void Reasons(params string[] outcomes)
        {
            foreach (OutcomeCount row in r.Outcomes.Where(o => outcomes.Contains(o.Outcome, StringComparer.Ordinal)))
            {
                string name = row.Reason is null ? row.Outcome : row.Outcome == "refused" ? $"refused: {row.Reason}" : row.Reason;
                text.AppendLine($"    {name,-30}{row.Count,12:N0}");
            }
        }
    }

    private static void AppendLatencies(StringBuilder text, StormReport r)
    {
        text.AppendLine($"  {"ms from the intended send time",-32}{"count",12}{"p50",10}{"p95",10}{"p99",10}{"p99.9",10}{"max",10}");
        foreach (LatencyRow row in r.LatenciesMilliseconds)
        {
            if (row.Count == 0)
                text.AppendLine($"  {row.Name,-32}{0,12}");
            else
                text.AppendLine($"  {row.Name,-32}{row.Count,12:N0}{row.P50,10:N1}{row.P95,10:N1}{row.P99,10:N1}{row.P999,10:N1}{row.Max,10:N1}");
        }
        text.AppendLine();
    }

    private static void AppendCampaigns(StringBuilder text, StormReport r)
    {
        if (r.Campaigns.Count == 0)
            return;
        int width = Math.Max(24, r.Campaigns.Max(c => c.CampaignId.Length) + 1);
        string ledger = r.Campaigns.Any(c => c.LedgerRows is not null) ? $"{"ledger",12}" : "";
        text.AppendLine($"  {"campaign".PadRight(width)}{"quantity",12}{"before",12}{"issued",12}{"told",12}{"accepted",12}{"decided",12}{"sold out",12}{ledger}");
        foreach (CampaignRow c in r.Campaigns)
        {
            string rows = c.LedgerRows is { } count ? $"{count,12:N0}" : "";
            text.AppendLine($"  {c.CampaignId.PadRight(width)}{c.Quantity,12:N0}{c.IssuedBefore,12:N0}{c.IssuedAfter - c.IssuedBefore,12:N0}{c.Told,12:N0}{c.Accepted,12:N0}{c.Decided,12:N0}{c.SoldOut,12:N0}{rows}");
        }
        text.AppendLine();
    }

    private static void AppendMachine(StringBuilder text, StormReport r)
    {
        GeneratorUse g = r.Generator;
        text.AppendLine($"  generator  {g.CpuSeconds:0.0} s of CPU, {g.CpuMicrosecondsPerRequest:0} us per request; collections {g.Gen0}/{g.Gen1}/{g.Gen2}, paused {g.GcPauseMilliseconds:0} ms; "
            + $"{g.Connections:N0} connections; waited for a free one: {g.ClaimsQueued:N0} claims, {g.SamplesQueued:N0} questions");
        text.AppendLine($"  machine    {r.Machine.Cores} cores, {r.Machine.MemoryGigabytes:0.#} GB, {r.Machine.System}, {r.Machine.Runtime}");
        text.AppendLine();
    }

    private static void AppendVerdict(StringBuilder text, StormReport r)
    {
        if (r.Verdict is null)
        {
            text.AppendLine("INTERRUPTED: nothing is known about exactness");
            return;
        }
        text.AppendLine(r.Verdict.Line);
        foreach (string violation in r.Verdict.Violations)
            text.AppendLine($"  {violation}");
    }
}
