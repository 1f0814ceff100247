using System.Globalization;
using System.Text;
using FlashSale.Core.Audit;

namespace FlashSale.Cli.Audit;

/// <summary>The report for people.</summary>
internal static class AuditReportText
{
    private const int DifferencesShown = 50;
    private const int CampaignsShown = 30;

    public static string Format(AuditReport report)
    {
        var text = new StringBuilder();
        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"log {report.LogId}: {Count(report.Partitions, "partition")}, {report.Records:N0} records, {report.Commands:N0} commands, {report.Events:N0} events ({report.Repeats:N0} repeated)");
        text.AppendLine(CultureInfo.InvariantCulture, $"time {report.Seconds:N1} s, {report.CommandsPerSecond:N0} commands/s, {report.PeakMegabytes:N0} MB at most");
        text.AppendLine($"compared: {Compared(report)}");
        text.AppendLine($"behind the log: {Lag(report.Lag)}");
        Campaigns(text, report.Campaigns);
        foreach (string missing in report.NotCompared)
            text.AppendLine($"NOT COMPARED: {missing}");
        foreach (Difference difference in report.First.Take(DifferencesShown))
            text.AppendLine($"{difference}");
        if (report.Differences > DifferencesShown)
            text.AppendLine(CultureInfo.InvariantCulture, $"... and {report.Differences - DifferencesShown:N0} more (--json FILE has the first {Differences.KeptMax:N0})");
        text.AppendLine(Verdict(report));
        return text.ToString();
    }

    private static string Verdict(AuditReport report) => report.Result switch
    {
        AuditReport.Different => $"NOT EXACT: {Count(report.Differences, "difference")} ({string.Join(", ", report.DifferencesByInvariant.Select(d => string.Create(CultureInfo.InvariantCulture, $"{d.Key} {d.Value:N0}")))})",
        AuditReport.Incomplete => "INCOMPLETE: no difference in what could be looked at",
        _ => string.Create(CultureInfo.InvariantCulture, $"EXACT: no difference in {report.Commands:N0} commands"),
    };

    private static string Compared(AuditReport report)
    {
        var parts = new List<string>();
        if (report.Compared.Events)
            parts.Add("events");
        parts.Add(report.Compared.Redis ? "Redis" : "not Redis (give --redis or set FLASHSALE_REDIS)");
        parts.Add(report.Compared.Ledger ? string.Create(CultureInfo.InvariantCulture, $"ledger ({report.LedgerRows:N0} coupons)") : "not the ledger (give --ledger or set FLASHSALE_MYSQL)");
        if (report.Compared.Told is { } told)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"what was told ({told:N0} accepted claims)"));
        return string.Join(", ", parts);
    }

    private static string Lag(AuditLag lag) => string.Join(", ", new[] { ("events", (long?)lag.Events), ("Redis", lag.Redis), ("ledger", lag.Ledger) }
        .Where(l => l.Item2 is not null).Select(l => string.Create(CultureInfo.InvariantCulture, $"{l.Item1} {l.Item2:N0} records")));

    private static void Campaigns(StringBuilder text, IReadOnlyList<CampaignReport> campaigns)
    {
        foreach (CampaignReport campaign in campaigns.Take(CampaignsShown))
        {
            string refused = string.Join(", ", campaign.Refused.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Value:N0} {r.Key}")));
            text.AppendLine(CultureInfo.InvariantCulture, $"{campaign.CampaignId}: {campaign.Issued:N0} of {campaign.Quantity:N0} issued, {campaign.Claims:N0} claims{(refused.Length > 0 ? ", " + refused : "")}, {campaign.Overtaken:N0} overtaken by up to {campaign.OvertakenMsMax:N0} ms");
        }

        if (campaigns.Count > CampaignsShown)
            text.AppendLine(CultureInfo.InvariantCulture, $"... and {campaigns.Count - CampaignsShown:N0} more campaigns");
    }

    private static string Count(long count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {what}{(count == 1 ? "" : "s")}");
}
