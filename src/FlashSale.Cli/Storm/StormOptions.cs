namespace FlashSale.Cli.Storm;

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

    /// <summary>Users of the measured part; those of the warm-up come on top.</summary>
    public required int Users { get; init; }

    public required double Rate { get; init; }

    public double RepeatShare { get; init; } = 0.05;

    public TimeSpan WarmUp { get; init; }

    public double DecisionSample { get; init; } = 1;

    public string UserPrefix { get; init; } = "";

    public string? ApiKey { get; init; }

    public int Seed { get; init; } = 1;

    public int Connections { get; init; } = 512;

    public int WaitConnections { get; init; } = 2000;

    public Spacing Spacing { get; init; } = Spacing.Even;

    public bool RetryUnknown { get; init; }

    public bool SettleEvery { get; init; } = true;

    /// <summary>How long the end of the storm may bring nothing new before it is given up.</summary>
    public TimeSpan SettleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a claim may stay without any answer.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public string? JsonFile { get; init; }

    /// <summary>Where each answer is recorded.</summary>
    public string? ToldFile { get; init; }
}
