using System.CommandLine;
using Confluent.Kafka;
using FlashSale.Core.Log;
using FlashSale.Kafka;

namespace FlashSale.Cli.Log;

/// <summary>Where Kafka is: an option for the address; TLS and SASL from the same variables that the server reads.</summary>
internal static class KafkaConnection
{
    // A broker that hangs is left after 6 s, and its partitions have a new leader some seconds later.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Option<string?> Option() => new("--kafka")
    {
        Description = "Addresses of brokers. Default: FLASHSALE_KAFKA. Security as the server's: Kafka__SecurityProtocol, Kafka__SaslUsername and so on.",
        HelpName = "HOST:PORT",
    };

    public static KafkaOptions Read(ParseResult parsed, Option<string?> option)
    {
        string? servers = parsed.GetValue(option) ?? Environment.GetEnvironmentVariable("FLASHSALE_KAFKA");
        if (string.IsNullOrEmpty(servers))
            throw new CliException("where is Kafka? Give --kafka HOST:PORT or set FLASHSALE_KAFKA.");
        var options = new KafkaOptions
        {
            BootstrapServers = servers,
            SaslUsername = Setting(nameof(KafkaOptions.SaslUsername)),
            SaslPassword = Setting(nameof(KafkaOptions.SaslPassword)),
            SslCaLocation = Setting(nameof(KafkaOptions.SslCaLocation)),
        };
        options.SecurityProtocol = Setting(nameof(KafkaOptions.SecurityProtocol), options.SecurityProtocol);
        options.SaslMechanism = Setting(nameof(KafkaOptions.SaslMechanism), options.SaslMechanism);
        return options;
    }

    /// <summary>The log for a command that looks once: a leader that is on the move is waited for, 30 s at most.</summary>
    public static ILog Patient(ILog log) => new PatientLog(log, Patience, TimeProvider.System);

    /// <summary>The number of partitions of a topic; 0 where it does not exist.</summary>
    /// <exception cref="KafkaException">No broker answers.</exception>
    public static int PartitionsOf(KafkaOptions options, string topic)
    {
        using IAdminClient admin = KafkaTopics.Admin(options);
        return admin.GetMetadata(options.AdminTimeout).Topics.Find(t => t.Topic == topic)?.Partitions.Count ?? 0;
    }

    private static string? Setting(string name) => Environment.GetEnvironmentVariable($"Kafka__{name}") is { Length: > 0 } value ? value : null;

    private static T Setting<T>(string name, T otherwise)
        where T : struct, Enum
    {
        if (Setting(name) is not { } text)
            return otherwise;
        return Enum.TryParse(text, ignoreCase: true, out T value)
            ? value
            : throw new CliException($"Kafka__{name} is '{text}'; allowed: {string.Join(", ", Enum.GetNames<T>())}.");
    }
}
