namespace FlashSale.Cli.Campaigns;

/// <summary>A campaign as the server shows it.</summary>
internal sealed record CampaignInfo
{
    public string CampaignId { get; init; } = "";

    public string? Name { get; init; }

    public string State { get; init; } = "";

    public long Quantity { get; init; }

    public int PerUser { get; init; } = 1;

    public long Issued { get; init; }

    public long Remaining { get; init; }

    public DateTimeOffset? OpensAt { get; init; }

    public DateTimeOffset? ClosesAt { get; init; }

    public Discount? Discount { get; init; }

    public CampaignLag? Lag { get; init; }
}

/// <summary>How far decisions are behind.</summary>
internal sealed record CampaignLag(long Commands, double Seconds);

/// <summary>The body that opens or changes a campaign.</summary>
internal sealed record CampaignSettings
{
    public string? Name { get; init; }

    public required long Quantity { get; init; }

    public int PerUser { get; init; } = 1;

    public DateTimeOffset? OpensAt { get; init; }

    public DateTimeOffset? ClosesAt { get; init; }

    public Discount? Discount { get; init; }

    /// <summary>The settings that a campaign has now.</summary>
    public static CampaignSettings Of(CampaignInfo info) => new()
    {
        Name = info.Name,
        Quantity = info.Quantity,
        PerUser = info.PerUser,
        OpensAt = info.OpensAt,
        ClosesAt = info.ClosesAt,
        Discount = info.Discount,
    };
}

/// <summary>What a coupon is worth: an amount of money or a percentage.</summary>
internal sealed record Discount(string Kind, decimal Value)
{
    public static Discount Parse(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string kind = colon < 0 ? "" : text[..colon];
        if (kind is not ("amount" or "percent") || !decimal.TryParse(text[(colon + 1)..], out decimal value) || value <= 0)
            throw new CliException($"--discount: '{text}' is neither amount:VALUE nor percent:VALUE, such as amount:5 or percent:10.");
        if (kind == "percent" && value > 100)
            throw new CliException("--discount: a percentage is at most 100.");
        return new Discount(kind, value);
    }

    public override string ToString() => $"{Kind}:{Value}";
}
