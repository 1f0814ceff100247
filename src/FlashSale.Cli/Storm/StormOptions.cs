namespace FlashSale.Cli.Storm;

/// <summary>The scenarios that have a name.</summary>
internal enum Profile
{
    /// <summary>Claims at a steady rate.</summary>
    Constant,

    /// <summary>Most claims within two seconds, the others in a long tail.</summary>
    Spike,

    /// <summary>Claims at a steady rate, and everybody waits for the decision.</summary>
    Mixed,

    /// <summary>Claims at a steady rate for a long time.</summary>
    Soak,
}

/// <summary>What one storm does; checked by the command line before it gets here.</summary>
internal sealed record StormOptions
{
    // Some 40 bytes each plus a ticket for every accepted one: 2 to 4 GB at the most.
    public const int UsersMax = 20_000_000;
    public const int RateMax = 1_000_000;

    public required IReadOnlyList<string> Urls { get; init; }

    public required IReadOnlyList<string> Campaigns { get; init; }

    /// <summary>Opens or changes each campaign first; null takes them as they are.</summary>
    public int? OpenQuantity { get; init; }

    public Profile Profile { get; init; }

    /// <summary>All users, those of the warm-up included. In a closed loop the most there may be.</summary>
    public required int Users { get; init; }

    /// <summary>When claims fall due; without meaning in a closed loop.</summary>
    public required LoadCurve Curve { get; init; }

    /// <summary>How long the rate rises from nothing.</summary>
    public TimeSpan Ramp { get; init; }

    /// <summary>So many callers, each of whom claims again after the answer; null: an open loop.</summary>
    public int? ClosedLoop { get; init; }

    /// <summary>How long a closed loop lasts; null: until all users have claimed.</summary>
    public TimeSpan? ClosedLoopLength { get; init; }

    public bool Http2 { get; init; }

    /// <summary>What the p99 of the 202 may be; null: anything.</summary>
    public TimeSpan? P99Limit { get; init; }

    public double RepeatShare { get; init; } = 0.05;

    public TimeSpan WarmUp { get; init; }

    public double DecisionSample { get; init; } = 1;

    public string UserPrefix { get; init; } = "";

    public string? ApiKey { get; init; }

    public int Seed { get; init; } = 1;

    public int Connections { get; init; } = 512;

    public int WaitConnections { get; init; } = 2000;

    public Spacing Spacing { get; init; } = Spacing.Even;

    /// <summary>Whether the generator's own ceiling is measured first.</summary>
    public bool Ceiling { get; init; }

    public bool RetryUnknown { get; init; }

    public bool SettleEvery { get; init; } = true;

    /// <summary>How long the end of the storm may bring nothing new before it is given up.</summary>
    public TimeSpan SettleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a claim may stay without any answer.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public string? JsonFile { get; init; }

    public string? SvgFile { get; init; }

    /// <summary>Where each answer is recorded.</summary>
    public string? ToldFile { get; init; }
}
