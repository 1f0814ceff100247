using System.Security.Cryptography;
using Confluent.Kafka;
using FlashSale.Chaos.Processes;

namespace FlashSale.Chaos.Servers;

/// <summary>Three Kafka nodes, each broker and controller: replication 3, two in-sync replicas needed.</summary>
internal sealed class KafkaCluster : IAsyncDisposable
{
    public const int Brokers = 3;

    private static readonly TimeSpan ServingWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FormatWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MetadataTimeout = TimeSpan.FromSeconds(2);

    private readonly string _home;
    private readonly string _folder;
    private readonly int[] _ports;
    private readonly int[] _controllers;
    private readonly ChildProcess[] _nodes;

    public KafkaCluster(string home, string folder, string logs, Ports ports)
    {
        _home = home;
        _folder = folder;
        _ports = [.. Enumerable.Range(0, Brokers).Select(_ => ports.Next())];
        _controllers = [.. Enumerable.Range(0, Brokers).Select(_ => ports.Next())];
        _nodes = [.. Enumerable.Range(0, Brokers).Select(n => new ChildProcess($"broker-{n + 1}", logs, () => LaunchOf(n)))];
        Bootstrap = string.Join(',', _ports.Select(p => $"127.0.0.1:{p}"));
    }

    public string Bootstrap { get; }

    public ChildProcess Node(int number) => _nodes[number];

    public async Task StartAsync(string logs, CancellationToken cancel)
    {
        var clusterId = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)).TrimEnd('=').Replace('+', 'a').Replace('/', 'b');
        await Task.WhenAll(Enumerable.Range(0, Brokers).Select(n => FormatAsync(n, clusterId, logs, cancel)));
        foreach (var node in _nodes)
            node.Start();
        await Task.WhenAll(Enumerable.Range(0, Brokers).Select(n => ServingAsync(n, cancel)));
    }

    /// <summary>Waits until a broker has joined the cluster.</summary>
    public Task ServingAsync(int number, CancellationToken cancel) => _nodes[number].ServingAsync(ServingWithin, () => Task.Run(() =>
    {
        try
        {
            using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = $"127.0.0.1:{_ports[number]}" })
                .SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
            return admin.GetMetadata(MetadataTimeout).Brokers.Exists(b => b.BrokerId == number + 1) ? null : "it has not joined the cluster";
        }
        catch (KafkaException e)
        {
            return e.Error.Reason;
        }
    }), cancel);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
    }

    private async Task FormatAsync(int number, string clusterId, string logs, CancellationToken cancel)
    {
        Directory.CreateDirectory(FolderOf(number));
        await File.WriteAllTextAsync(PropertiesOf(number), Properties(number), cancel);
        await using var format = new ChildProcess($"format-{number + 1}", logs, () => new Launch(
            "bash", [Path.Combine(_home, "bin", "kafka-storage.sh"), "format", "-t", clusterId, "-c", PropertiesOf(number)], Environment(number)));
        format.Start();
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timeout.CancelAfter(FormatWithin);
        if (await format.ExitAsync(timeout.Token) != 0)
            throw new ChaosException($"Kafka could not format its storage; see {format.Log}");
    }

    private Launch LaunchOf(int number) => new("bash", [Path.Combine(_home, "bin", "kafka-server-start.sh"), PropertiesOf(number)], Environment(number));

    private Dictionary<string, string> Environment(int number) => new()
    {
        // Three of them share the machine with everything else: small heaps, one thread of collection, the first compiler only.
        ["KAFKA_HEAP_OPTS"] = "-Xms128m -Xmx256m -XX:TieredStopAtLevel=1",
        ["KAFKA_JVM_PERFORMANCE_OPTS"] = "-server -XX:+UseSerialGC -Djava.awt.headless=true",
        // No log of the garbage collection, and nothing written beside Apache's own scripts.
        ["EXTRA_ARGS"] = "-name kafkaServer",
        ["LOG_DIR"] = Path.Combine(FolderOf(number), "tools"),
    };

    private string FolderOf(int number) => Path.Combine(_folder, $"broker-{number + 1}");

    private string PropertiesOf(int number) => Path.Combine(FolderOf(number), "server.properties");

    private string Properties(int number) => $"""
        process.roles=broker,controller
        node.id={number + 1}
        controller.quorum.voters={string.Join(',', _controllers.Select((port, n) => $"{n + 1}@127.0.0.1:{port}"))}
        controller.listener.names=CONTROLLER
        listeners=PLAINTEXT://127.0.0.1:{_ports[number]},CONTROLLER://127.0.0.1:{_controllers[number]}
        listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
        log.dirs={Path.Combine(FolderOf(number), "data")}
        auto.create.topics.enable=false
        default.replication.factor={Brokers}
        min.insync.replicas=2
        unclean.leader.election.enable=false
        group.initial.rebalance.delay.ms=0
        offsets.topic.replication.factor={Brokers}
        offsets.topic.num.partitions=8
        transaction.state.log.replication.factor={Brokers}
        transaction.state.log.min.isr=2
        transaction.state.log.num.partitions=8
        share.coordinator.state.topic.replication.factor={Brokers}
        share.coordinator.state.topic.min.isr=2
        share.coordinator.state.topic.num.partitions=8
        broker.session.timeout.ms=6000
        broker.heartbeat.interval.ms=500
        replica.lag.time.max.ms=6000
        # Leaders go back to a broker soon after it has come back: they move, and move again.
        auto.leader.rebalance.enable=true
        leader.imbalance.check.interval.seconds=5
        leader.imbalance.per.broker.percentage=0
        num.network.threads=2
        num.io.threads=3
        num.recovery.threads.per.data.dir=2
        log.cleaner.dedupe.buffer.size=16777216
        """;
}
