using Confluent.Kafka;

namespace FlashSale.Kafka;

/// <summary>
/// librdkafka's in-process mock cluster, for a first look without Kafka. Not a real broker: memory only, it keeps 5 MB or
/// 100,000 batches per partition, and its topics appear by themselves with 4 partitions.
/// </summary>
public sealed class EmbeddedBroker : IDisposable
{
    /// <summary>The partitions that the mock cluster gives a topic.</summary>
    public const int Partitions = 4;

    private readonly IProducer<Null, Null> _host;

    public EmbeddedBroker()
    {
        var config = new ProducerConfig { BootstrapServers = "127.0.0.1:1" };
        config.Set("test.mock.num.brokers", "1");
        _host = new ProducerBuilder<Null, Null>(config).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
        using var admin = new DependentAdminClientBuilder(_host.Handle).Build();
        var broker = admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers[0];
        BootstrapServers = $"{broker.Host}:{broker.Port}";
    }

    public string BootstrapServers { get; }

    /// <summary>Makes topics appear.</summary>
    public void Create(params string[] topics)
    {
        using var admin = new DependentAdminClientBuilder(_host.Handle).Build();
        foreach (var topic in topics)
            admin.GetMetadata(topic, TimeSpan.FromSeconds(10));
    }

    public void Dispose() => _host.Dispose();
}
