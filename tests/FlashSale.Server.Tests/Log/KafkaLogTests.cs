using System.Reflection;
using System.Runtime.InteropServices;
using Confluent.Kafka;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlashSale.Server.Tests.Log;

/// <summary>The log's reader against the client's mock cluster, which can take a partition's leader away.</summary>
public sealed partial class KafkaLogTests
{
    private const string Library = "librdkafka";
    private const string Topic = "commands";
    private const int NoLeader = -1;
    private const int Leader = 1;

    /// <summary>The package brings several builds of the library; the functions are asked of the one that the client has chosen.</summary>
    static KafkaLogTests() => NativeLibrary.SetDllImportResolver(typeof(KafkaLogTests).Assembly, static (name, _, _) =>
    {
        if (name != Library)
            return 0;
        Confluent.Kafka.Library.Load();
        using var maps = File.OpenText("/proc/self/maps");
        while (maps.ReadLine() is { } line)
        {
            if (line.EndsWith("librdkafka.so", StringComparison.Ordinal))
                return NativeLibrary.Load(line[line.IndexOf('/', StringComparison.Ordinal)..]);
        }

        return 0;
    });

    [Fact]
    public async Task Bounds_OfAPartitionThatHadNoLeader_AreToldOnceItHasOne()
    {
        var settings = new ProducerConfig { BootstrapServers = "127.0.0.1:1" };
        settings.Set("test.mock.num.brokers", "1");
        using var host = new ProducerBuilder<Null, Null>(settings).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
        var cluster = rd_kafka_handle_mock_cluster(HandleOf(host).DangerousGetHandle());
        Assert.Equal(0, rd_kafka_mock_topic_create(cluster, Topic, 1, 1));
        using var admin = new DependentAdminClientBuilder(host.Handle).Build();
        var broker = admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers[0];
        await using var log = new KafkaLog(
            new KafkaOptions { BootstrapServers = $"{broker.Host}:{broker.Port}", Partitions = 1, AdminTimeout = TimeSpan.FromSeconds(2) }, "test", NullLogger<KafkaLog>.Instance);

        Assert.Equal(0, rd_kafka_mock_partition_set_leader(cluster, Topic, 0, NoLeader));
        await Assert.ThrowsAsync<LogUnavailableException>(() => log.BoundsAsync(Topic, 0, CancellationToken.None).AsTask());
        Assert.Equal(0, rd_kafka_mock_partition_set_leader(cluster, Topic, 0, Leader));
        // This attempt may still be told of what the client has kept; the one after it is not.
        await Record.ExceptionAsync(() => log.BoundsAsync(Topic, 0, CancellationToken.None).AsTask());
        Assert.Equal(new LogBounds(0, 0), await log.BoundsAsync(Topic, 0, CancellationToken.None));
    }

    private static SafeHandle HandleOf(IProducer<Null, Null> host) =>
        (SafeHandle)typeof(Handle).GetProperty("LibrdkafkaHandle", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(host.Handle)!;

    [LibraryImport(Library)]
    private static partial nint rd_kafka_handle_mock_cluster(nint client);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rd_kafka_mock_topic_create(nint cluster, string topic, int partitions, int replicas);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rd_kafka_mock_partition_set_leader(nint cluster, string topic, int partition, int broker);
}
