using System.Data.Common;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Dapper;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using FlashSale.MySql;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlashSale.Integration.Tests.Harness;

/// <summary>What one test has for itself on the shared servers: topics, keys and a database of its own, and its server processes. Everything of it is gone when disposed.</summary>
internal sealed class Installation : IAsyncDisposable
{
    private const int TailLines = 150;

    private readonly ITestOutputHelper _output;
    private readonly List<ServerProcess> _servers = [];
    private readonly string _database;
    private readonly MySqlLedger _administration;

    private Installation(Stack stack, ITestOutputHelper output, string name, string redisPrefix)
    {
        Stack = stack;
        _output = output;
        _database = $"flashsale_{name}";
        RedisPrefix = redisPrefix;
        KafkaOptions = new KafkaOptions { BootstrapServers = stack.Kafka, TopicPrefix = $"{name}-" };
        Topics = MachineTopics.Coupon with { Prefix = KafkaOptions.TopicPrefix };
        ConnectionString = new DbConnectionStringBuilder { ConnectionString = stack.MySql, ["Database"] = _database }.ConnectionString;
        Ledger = new MySqlLedger(new MySqlOptions { ConnectionString = ConnectionString, Writers = 1 });
        _administration = new MySqlLedger(new MySqlOptions { ConnectionString = stack.MySql, Writers = 1 });
    }

    /// <summary>What the servers run; null: the build's default.</summary>
    public static string? Engine => Environment.GetEnvironmentVariable("FLASHSALE_TEST_ENGINE");

    public Stack Stack { get; }

    public KafkaOptions KafkaOptions { get; }

    public MachineTopics Topics { get; }

    public string RedisPrefix { get; }

    public MySqlLedger Ledger { get; }

    public int Partitions => KafkaOptions.Partitions;

    public string ConnectionString { get; }

    /// <param name="redisPrefix">To share the keys of another installation.</param>
    public static async Task<Installation> CreateAsync(Stack stack, ITestOutputHelper output, string? redisPrefix = null)
    {
        var name = $"it{Guid.NewGuid():N}"[..12];
        var installation = new Installation(stack, output, name, redisPrefix ?? name);
        await installation._administration.RunAsync(c => c.Execute($"CREATE DATABASE {installation._database} CHARACTER SET utf8mb4"), CancellationToken.None);
        return installation;
    }

    public void Note(string line) => _output.WriteLine(line);

    /// <summary>Starts a server and does not wait for it.</summary>
    public ServerProcess Start(string name, params (string Key, string Value)[] settings) => Start(name, null, settings);

    public ServerProcess Start(string name, int? port, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string>
        {
            ["Kafka:BootstrapServers"] = KafkaOptions.BootstrapServers,
            ["Kafka:TopicPrefix"] = KafkaOptions.TopicPrefix,
            ["Redis:Endpoints"] = Stack.Redis,
            ["Redis:KeyPrefix"] = RedisPrefix,
            ["MySql:ConnectionString"] = ConnectionString,
        };
        if (Engine is { Length: > 0 } engine)
            all["Engine"] = engine;
        foreach (var (key, value) in settings)
            all[key] = value;
        var server = ServerProcess.Start(name, all, port);
        _servers.Add(server);
        return server;
    }

    public async Task<ServerProcess> StartReadyAsync(string name, params (string Key, string Value)[] settings)
    {
        var server = Start(name, settings);
        await server.ReadyAsync();
        return server;
    }

    /// <summary>Waits until the servers together decide all partitions, and each of them some.</summary>
    public Task<TimeSpan> SharedAsync(TimeSpan within, params ServerProcess[] servers) =>
        Wait.UntilAsync($"{string.Join(" and ", servers.Select(s => s.Name))} share the partitions", within, async () =>
        {
            var owned = await Task.WhenAll(servers.Select(s => s.OwnedAsync()));
            var all = owned.SelectMany(p => p).ToList();
            return all.Count == Partitions && all.Distinct().Count() == Partitions && owned.All(p => p.Count > 0)
                ? null
                : string.Join("; ", servers.Zip(owned, (s, p) => $"{s.Name} decides {string.Join(' ', p)}"));
        });

    /// <summary>A reader of this installation's topics. To be disposed by the caller.</summary>
    public KafkaLog OpenLog() => new(KafkaOptions, "test", NullLogger<KafkaLog>.Instance);

    /// <summary>Appends bytes straight to a topic.</summary>
    public async Task<long> ProduceAsync(string topic, int partition, byte[] value)
    {
        using var producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = KafkaOptions.BootstrapServers, Acks = Acks.All }).Build();
        var result = await producer.ProduceAsync(new TopicPartition(topic, partition), new Message<Null, byte[]> { Value = value });
        return result.Offset.Value;
    }

    public async Task CreateTopicAsync(string topic, int partitions, Dictionary<string, string> settings)
    {
        using var admin = Admin();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = partitions, ReplicationFactor = 1, Configs = settings }]);
    }

    /// <summary>The topics that there are of this installation.</summary>
    public IReadOnlyList<string> TopicNames()
    {
        using var admin = Admin();
        return [.. admin.GetMetadata(TimeSpan.FromSeconds(10)).Topics.Select(t => t.Topic).Where(t => t.StartsWith(KafkaOptions.TopicPrefix, StringComparison.Ordinal))];
    }

    /// <summary>A campaign id whose commands lie in this partition.</summary>
    public string CampaignOn(int partition, string name = "c")
    {
        for (var i = 0; ; i++)
        {
            if (MachineTopics.PartitionOf($"{name}{i}", Partitions) == partition)
                return $"{name}{i}";
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            // Shown where the test has failed.
            _output.WriteLine($"--- server {server.Name}, its last lines:");
            foreach (var line in server.Tail(TailLines))
                _output.WriteLine(line);
            await server.DisposeAsync();
        }

        await DeleteTopicsAsync();
        Ledger.Dispose();
        try
        {
            await _administration.RunAsync(c => c.Execute($"DROP DATABASE IF EXISTS {_database}"), CancellationToken.None);
        }
        catch (LedgerUnavailableException e)
        {
            _output.WriteLine($"{_database} was not dropped: {e.Message}");
        }

        _administration.Dispose();
    }

    private IAdminClient Admin() => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = KafkaOptions.BootstrapServers })
        .SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();

    private async Task DeleteTopicsAsync()
    {
        try
        {
            using var admin = Admin();
            var topics = TopicNames();
            if (topics.Count > 0)
                await admin.DeleteTopicsAsync(topics);
        }
        catch (KafkaException e)
        {
            _output.WriteLine($"the topics were not deleted: {e.Error.Reason}");
        }
    }
}
