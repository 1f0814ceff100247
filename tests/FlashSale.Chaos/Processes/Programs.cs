namespace FlashSale.Chaos.Processes;

/// <summary>Finds the programs that are started.</summary>
internal static class Programs
{
    private static readonly string[] Folders =
        [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries), "/usr/sbin", "/usr/local/sbin"];

    /// <summary>The dotnet that runs this.</summary>
    public static string Dotnet { get; } =
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";

    public static string RedisServer() => Find("redis-server", "valkey-server") ?? throw Missing("redis-server");

    public static string MySqlServer() => Find("mariadbd", "mysqld") ?? throw Missing("mariadb-server");

    /// <summary>Null with MySQL, whose server prepares its data folder itself.</summary>
    public static string? MariaDbInstall() => Find("mariadb-install-db");

    /// <summary>The folder of Apache Kafka, once it is known to be one.</summary>
    public static string KafkaHome(string? home)
    {
        if (string.IsNullOrEmpty(home))
            throw new ChaosException("there is no Kafka: set KAFKA_HOME to the folder of Apache Kafka 4");
        if (!File.Exists(Path.Combine(home, "bin", "kafka-server-start.sh")))
            throw new ChaosException($"KAFKA_HOME has no bin/kafka-server-start.sh: {home}");
        if (Environment.GetEnvironmentVariable("JAVA_HOME") is null && Find("java") is null)
            throw new ChaosException("Kafka needs Java 17 or newer: run scripts/setup.sh");
        return home;
    }

    private static string? Find(params string[] names) =>
        names.SelectMany(name => Folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    private static ChaosException Missing(string what) => new($"{what} is missing: run scripts/setup.sh");
}
