using System.Globalization;

namespace FlashSale.LoadTests;

/// <summary>What is to be run; from the command line, and from the environment what scripts set.</summary>
internal sealed record LoadSettings
{
    public const string ClaimStorm = "claim-storm";
    public const string MixedSale = "mixed-sale";
    public const string Spike = "spike";
    public const string Soak = "soak";

    private static readonly string[] Names = [ClaimStorm, MixedSale, Spike, Soak];

    public required string Scenario { get; init; }

    public required Uri Url { get; init; }

    /// <summary>Key for requests of administrators; null where the server wants none.</summary>
    public required string? ApiKey { get; init; }

    /// <summary>Claims per second; of a spike, those of its first two seconds.</summary>
    public required int Rate { get; init; }

    public required int Quantity { get; init; }

    /// <summary>What the p99 of the 202 may be, in milliseconds.</summary>
    public required int P99Milliseconds { get; init; }

    /// <summary>How long the rate is held; a spike has its own.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>What is handed on to NBomber, such as --license or --config.</summary>
    public required string[] NBomberArguments { get; init; }

    /// <exception cref="FormatException">Something is missing or not a number; one line says what.</exception>
    public static LoadSettings Read(string[] arguments, Func<string, string?> environment)
    {
        var scenario = arguments.Length > 0 ? arguments[0] : "";
        if (!Names.Contains(scenario, StringComparer.Ordinal))
            throw new FormatException($"the first argument must be one of {string.Join(", ", Names)}, not '{scenario}'.");
        var url = environment("FLASHSALE_URL") is { Length: > 0 } given ? given : "http://127.0.0.1:8080";
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new FormatException($"FLASHSALE_URL: '{url}' is not a server address.");
        return new LoadSettings
        {
            Scenario = scenario,
            Url = address,
            ApiKey = environment("FLASHSALE_API_KEY"),
            Rate = Number("LOAD_RATE", 1000, 1_000_000),
            Quantity = Number("LOAD_QUANTITY", scenario is Spike or MixedSale ? 1000 : 100_000_000, 100_000_000),
            P99Milliseconds = Number("LOAD_P99_MS", 100, 60_000),
            Duration = TimeSpan.FromSeconds(Number("LOAD_SECONDS", scenario == Soak ? 600 : 60, 86_400)),
            NBomberArguments = arguments[1..],
        };

        int Number(string name, int usual, int highest)
        {
            if (environment(name) is not { Length: > 0 } text)
                return usual;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= highest)
                return number;
            throw new FormatException($"{name} must be between 1 and {highest}, not '{text}'.");
        }
    }
}
