using System.Text;

namespace FlashSale.Cli.Storm;

/// <summary>The report for people.</summary>
internal static class StormReportText
{
    // Below that a fifth is too short for a median that means something.
    private const int DriftSecondsMin = 50;

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
        string load = r.Load.ClosedLoop is { } callers
            ? $"{callers:N0} callers in a closed loop; {r.RateAchieved:N0} claims/s"
            : $"{r.Users:N0} users, {r.Repeats:N0} of them twice; {Describe(r.Load)}{r.RateIntended:N0} claims/s intended, {r.RateAchieved:N0}/s achieved";
        text.AppendLine($"{load}; {r.StormSeconds:0.0} s{warmUp}, then {r.SettleSeconds:0.0} s until all was settled");
        text.AppendLine();
    }

    private static string Describe(LoadRow load) => load switch
    {
        { Profile: "spike" } => $"{LoadCurve.RushShare:0%} of them in the first {LoadCurve.RushSeconds:0} s, ",
        { RampSeconds: > 0 } => $"rising for {load.RampSeconds:0.#} s to ",
        _ => "",
    };

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
        text.AppendLine($"  answers per second after the warm-up: {r.AcceptedPerSecond:N0} accepted, {r.RefusedPerSecond:N0} refused at the door");
        AppendDrift(text, r);
        text.AppendLine();
        text.AppendLine($"  {(r.Load.ClosedLoop is null ? "ms from the intended send time" : "ms from the send time"),-32}{"count",12}{"p50",10}{"p95",10}{"p99",10}{"p99.9",10}{"max",10}");
        foreach (LatencyRow row in r.LatenciesMilliseconds)
        {
            string name = row.Name == LatencyRow.Decided ? $"{row.Name} (sample {r.DecisionSampleShare:0.##%})" : row.Name;
            if (row.Count == 0)
                text.AppendLine($"  {name,-32}{0,12}");
            else
                text.AppendLine($"  {name,-32}{row.Count,12:N0}{row.P50,10:N1}{row.P95,10:N1}{row.P99,10:N1}{row.P999,10:N1}{row.Max,10:N1}");
        }
        text.AppendLine();
    }

    // What a soak is for: whether it is as fast at its end as at its start.
    private static void AppendDrift(StringBuilder text, StormReport r)
    {
        double[] p99 = [.. r.Seconds.Where(s => s.Second >= r.WarmUpSeconds && s.AcceptedP99 is not null).Select(s => s.AcceptedP99!.Value)];
        if (p99.Length < DriftSecondsMin)
            return;
        int part = p99.Length / 5;
        text.AppendLine($"  p99 of the 202 in the first fifth {Median(p99[..part]):0.0} ms, in the last {Median(p99[^part..]):0.0} ms (medians over the seconds)");

        static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
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
        if (r.Ceiling is { } ceiling)
            text.AppendLine($"  ceiling    {ceiling.Describe(r.Load)}; this storm sent {r.RateAchieved / ceiling.PerSecond:0%} of it");
        text.AppendLine($"  machine    {r.Machine.Cores} cores, {r.Machine.MemoryGigabytes:0.#} GB, {r.Machine.System}, {r.Machine.Runtime}");
        text.AppendLine();
    }

    private static void AppendVerdict(StringBuilder text, StormReport r)
    {
        if (r.RateSearch is { } search)
            text.AppendLine(search.Describe(r.Interrupted));
        else if (r.WithinP99 == false)
            text.AppendLine($"TOO SLOW: the p99 of the 202 is above {r.Load.P99LimitMilliseconds:0.##} ms");
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
