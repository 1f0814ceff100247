using System.Text;

namespace FlashSale.Cli.Campaigns;

/// <summary>Campaigns for people.</summary>
internal static class CampaignText
{
    private const string InstantFormat = "yyyy-MM-dd'T'HH:mm:ss.FFF'Z'";

    public static string Describe(CampaignInfo campaign)
    {
        var text = new StringBuilder();
        Line("campaign", campaign.CampaignId);
        Line("name", campaign.Name);
        Line("state", campaign.State);
        Line("quantity", $"{campaign.Quantity:N0}, {campaign.PerUser:N0} per user");
        Line("issued", $"{campaign.Issued:N0}, {campaign.Remaining:N0} remaining");
        Line("opens at", campaign.OpensAt?.UtcDateTime.ToString(InstantFormat));
        Line("closes at", campaign.ClosesAt?.UtcDateTime.ToString(InstantFormat));
        Line("discount", campaign.Discount?.ToString());
        Line("behind by", campaign.Lag is { } lag ? $"{lag.Commands:N0} commands, {lag.Seconds:0.###} s" : null);
        return text.ToString();

        void Line(string name, string? value)
        {
            if (value is not null)
                text.AppendLine($"{name,-10} {value}");
        }
    }

    public static string List(IReadOnlyList<CampaignInfo> campaigns)
    {
        if (campaigns.Count == 0)
            return "There are no campaigns." + Environment.NewLine;
        var text = new StringBuilder();
        int width = Math.Max(10, campaigns.Max(c => c.CampaignId.Length) + 2);
        text.AppendLine($"{"campaign".PadRight(width)}{"state",-10}{"quantity",14}{"issued",14}{"remaining",14}  name");
        foreach (CampaignInfo c in campaigns)
            text.AppendLine($"{c.CampaignId.PadRight(width)}{c.State,-10}{c.Quantity,14:N0}{c.Issued,14:N0}{c.Remaining,14:N0}  {c.Name}");
        return text.ToString();
    }
}
