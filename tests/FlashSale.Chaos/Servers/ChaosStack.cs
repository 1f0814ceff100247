using FlashSale.Chaos.Processes;
using FlashSale.Kafka;

namespace FlashSale.Chaos.Servers;

/// <summary>Everything that a run starts: three brokers, a Redis pair, a database, two doors, two deciders that also write the ledger.</summary>
internal sealed class ChaosStack : IAsyncDisposable
{
    public const int PerRole = 2;

    private readonly string _logs;

    /// <param name="folder">Data go below it, into a folder of their own that is deleted at the end.</param>
    public ChaosStack(string folder, Ports ports)
    {
        _logs = Directory.CreateDirectory(Path.Combine(folder, "logs")).FullName;
        Data = Directory.CreateDirectory(Path.Combine(folder, "data")).FullName;
        Kafka = new KafkaCluster(Programs.KafkaHome(Environment.GetEnvironmentVariable("KAFKA_HOME")), Data, _logs, ports);
        Redis = new RedisPair(Programs.RedisServer(), Data, _logs, ports);
        Database = new Database(Programs.MySqlServer(), Data, _logs, ports);
        var settings = new Dictionary<string, string>
        {
            ["Kafka__BootstrapServers"] = Kafka.Bootstrap,
            ["Kafka__ReplicationFactor"] = $"{KafkaCluster.Brokers}",
            ["Redis__Endpoints"] = Redis.Endpoints,
            ["MySql__ConnectionString"] = Database.ConnectionString,
        };
        Apis = [.. Enumerable.Range(1, PerRole).Select(n => new ServerNode($"api-{n}", "api", settings, _logs, ports))];
        Machines = [.. Enumerable.Range(1, PerRole).Select(n => new ServerNode($"machines-{n}", "machines,ledger", settings, _logs, ports))];
    }

    public KafkaCluster Kafka { get; }

    public RedisPair Redis { get; }

    public Database Database { get; }

    public IReadOnlyList<ServerNode> Apis { get; }

    public IReadOnlyList<ServerNode> Machines { get; }

    public string Logs => _logs;

    private string Data { get; }

    public KafkaOptions KafkaOptions => new() { BootstrapServers = Kafka.Bootstrap, ReplicationFactor = KafkaCluster.Brokers };

    public async Task StartAsync(CancellationToken cancel)
    {
        await Task.WhenAll(Kafka.StartAsync(_logs, cancel), Redis.StartAsync(cancel), Database.StartAsync(cancel));
        foreach (var server in Servers)
            server.Start();
        await Task.WhenAll(Servers.Select(s => s.ReadyAsync(cancel)));
    }

    /// <summary>The processes that have ended though nobody ended them.</summary>
    public IEnumerable<ChildProcess> Ended() => Processes.Where(p => p.HasExited);

    /// <summary>Which server is not ready and why; null when all are.</summary>
    public async Task<string?> NotReadyAsync(CancellationToken cancel)
    {
        foreach (var server in Servers)
        {
            if (await server.NotReadyAsync(cancel) is { } reason)
                return $"{server.Process.Name}: {reason}";
        }

        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Servers.Select(s => s.DisposeAsync().AsTask()));
        await Task.WhenAll(Kafka.DisposeAsync().AsTask(), Redis.DisposeAsync().AsTask(), Database.DisposeAsync().AsTask());
        Directory.Delete(Data, recursive: true);
    }

    private IEnumerable<ServerNode> Servers => Apis.Concat(Machines);

    private IEnumerable<ChildProcess> Processes =>
    [
        .. Enumerable.Range(0, KafkaCluster.Brokers).Select(Kafka.Node), Redis.Node(Redis.Master), Redis.Node(Redis.Replica), Database.Process, .. Servers.Select(s => s.Process),
    ];
}
