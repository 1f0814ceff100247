using System.Reflection;
using FlashSale.Measure.Running;
using FlashSale.MySql;

namespace FlashSale.Measure.Report;

/// <summary>What the figures were measured with.</summary>
internal static class Versions
{
    public static async Task<IReadOnlyList<string>> FindAsync(Stack stack, CancellationToken cancel)
    {
        using var ledger = new MySqlLedger(new MySqlOptions { ConnectionString = stack.MySql, Writers = 1 });
        var driver = "";
        var database = await ledger.RunAsync(connection =>
        {
            driver = Of(connection.GetType().Assembly);
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT CONVERT(VERSION() USING utf8mb4)";
            return command.ExecuteScalar()?.ToString() ?? "unknown";
        }, cancel);
        return
        [
            $"FlashSale {Environment.GetEnvironmentVariable("FLASHSALE_COMMIT") ?? "of no known commit"} (engine: direct)",
            $".NET {Environment.Version}",
            $"Kafka {Environment.GetEnvironmentVariable("FLASHSALE_KAFKA_VERSION") ?? "of no known version"} (one broker, acks=all)",
            $"Redis {await stack.RedisVersionAsync()} (AOF every second)",
            $"database {database} (flushed at each commit)",
            Of(typeof(Confluent.Kafka.Library).Assembly),
            $"librdkafka {Confluent.Kafka.Library.VersionString}",
            Of(typeof(StackExchange.Redis.ConnectionMultiplexer).Assembly),
            driver,
        ];
    }

    private static string Of(Assembly assembly) =>
        $"{assembly.GetName().Name} {assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? assembly.GetName().Version?.ToString()}";
}
