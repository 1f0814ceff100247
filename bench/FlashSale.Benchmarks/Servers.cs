namespace FlashSale.Benchmarks;

/// <summary>The addresses that <c>scripts/bench.sh</c> gives to the benchmarks that need a server.</summary>
internal static class Servers
{
    private const string RedisVariable = "FLASHSALE_REDIS";
    private const string MySqlVariable = "FLASHSALE_MYSQL";

    public static string Redis => Of(RedisVariable);

    public static string MySql => Of(MySqlVariable);

    /// <summary>What is missing, and how to mend it; null where nothing is.</summary>
    public static string? Missing() =>
        new[] { RedisVariable, MySqlVariable }.Where(v => string.IsNullOrEmpty(Environment.GetEnvironmentVariable(v))).ToList() is { Count: > 0 } missing
            ? $"{string.Join(" and ", missing)} not set: the benchmarks on servers need them. scripts/bench.sh starts the servers and sets both"
            : null;

    private static string Of(string variable) => Environment.GetEnvironmentVariable(variable) ?? throw new InvalidOperationException($"{variable} is not set");
}
