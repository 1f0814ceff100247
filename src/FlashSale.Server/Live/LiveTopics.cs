using FlashSale.Core;

namespace FlashSale.Server.Live;

/// <summary>What a watcher asks for: <c>campaign:ID</c>, <c>user:ID</c>, or <c>campaigns</c> for all of them, later ones included.</summary>
public sealed record LiveTopics(bool AllCampaigns, IReadOnlyCollection<string> Campaigns, IReadOnlyCollection<string> Users)
{
    public const int TopicsMax = 100;

    /// <summary>Longer than a hundred of the longest topics can be: nothing beyond is looked at.</summary>
    private const int TextMax = TopicsMax * (Identifier.LengthMax + 10);

    /// <summary>Reads the topics, or says what is wrong with them.</summary>
    public static (LiveTopics? Topics, string? Error) Parse(string text)
    {
        if (text.Length == 0)
            return (null, "is missing; allowed: campaigns, campaign:ID and user:ID, comma-separated");
        var names = text.Length > TextMax ? [] : text.Split(',', StringSplitOptions.TrimEntries);
        if (names.Length is 0 or > TopicsMax)
            return (null, $"at most {TopicsMax} are allowed");

        var all = false;
        var campaigns = new HashSet<string>();
        var users = new HashSet<string>();
        foreach (var name in names)
        {
            var (kind, id) = name.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon ? (name[..colon], name[(colon + 1)..]) : (name, null);
            if (kind is "order" or "product" && id is not null)
                return (null, $"{kind}:ID is not available yet");
            if (kind == "campaigns" && id is null)
                all = true;
            else if (kind is not ("campaign" or "user") || id is null)
                return (null, "allowed: campaigns, campaign:ID and user:ID, comma-separated");
            else if (!Identifier.IsValid(id))
                return (null, $"the ID of {kind}: must be {Identifier.Rule}");
            else
                (kind == "user" ? users : campaigns).Add(id);
        }

        return (new LiveTopics(all, all ? [] : campaigns, users), null);
    }
}
