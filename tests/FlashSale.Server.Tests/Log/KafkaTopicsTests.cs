using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FlashSale.Core;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlashSale.Server.Tests.Log;

/// <summary>What is said of topics that are not as they must be, or of which a user may not know; with a broker: LogTests of the integration tests.</summary>
public sealed class KafkaTopicsTests
{
    private static readonly MachineTopics Topics = MachineTopics.Coupon;

    [Theory]
    [InlineData(ErrorCode.TopicAuthorizationFailed)]
    [InlineData(ErrorCode.ClusterAuthorizationFailed)]
    [InlineData(ErrorCode.PolicyViolation)]
    public async Task Ensure_NoRightToCreate_SaysWhatToCreate(ErrorCode code)
    {
        var refused = await Assert.ThrowsAsync<LogRefusedException>(() => Ensure(new Cluster { CreateFails = code }));
        Assert.Contains(Topics.Commands, refused.Message, StringComparison.Ordinal);
        Assert.Contains("cannot be created", refused.Message, StringComparison.Ordinal);
        Assert.Contains("8 partitions", refused.Message, StringComparison.Ordinal);
        Assert.Contains("retention.ms=-1", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public async Task Ensure_ClusterCannotCreateYet_IsToBeTriedAgain() =>
        await Assert.ThrowsAsync<LogUnavailableException>(() => Ensure(new Cluster { CreateFails = ErrorCode.NotController }));

    [Fact]
    public async Task Ensure_EventsWithAnotherNumberOfPartitions_SaysBoth()
    {
        var refused = await Assert.ThrowsAsync<LogRefusedException>(() => Ensure(new Cluster { Existing = { [Topics.Commands] = 8, [Topics.Events] = 4 } }));
        Assert.Contains($"topic {Topics.Events} has 4 partitions, Kafka:Partitions is 8", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ensure_BrokerDoesNotAnswer_IsToBeTriedAgain() =>
        await Assert.ThrowsAsync<LogUnavailableException>(() => Ensure(new Cluster { IsAway = true }));

    private static async Task Ensure(Cluster cluster)
    {
        var topics = new KafkaTopics(
            new KafkaOptions { BootstrapServers = "kafka:9092" }, Topics, RandomIds.Shared, NullLogger<KafkaTopics>.Instance, _ => AdminOf.The(cluster));
        // Nothing is read or written before the topics are as they must be.
        await topics.EnsureAsync(null!, null!, CancellationToken.None);
    }

    private sealed class Cluster
    {
        public Dictionary<string, int> Existing { get; } = [];

        public ErrorCode CreateFails { get; init; }

        public bool IsAway { get; init; }
    }

    /// <summary>An administrator's client of such a cluster.</summary>
    [SuppressMessage("Performance", "CA1852", Justification = "The proxy derives from it.")]
    private class AdminOf : DispatchProxy
    {
        private Cluster _cluster = null!;

        public static IAdminClient The(Cluster cluster)
        {
            var admin = Create<IAdminClient, AdminOf>();
            ((AdminOf)(object)admin)._cluster = cluster;
            return admin;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
        {
            nameof(IAdminClient.GetMetadata) when _cluster.IsAway => throw new KafkaException(new Error(ErrorCode.Local_Transport)),
            nameof(IAdminClient.GetMetadata) => new Metadata(
                [new BrokerMetadata(1, "kafka", 9092)],
                [.. _cluster.Existing.Select(t => new TopicMetadata(t.Key, [.. Enumerable.Range(0, t.Value).Select(p => new PartitionMetadata(p, 1, [1], [1], ErrorCode.NoError))], ErrorCode.NoError))],
                1, "kafka"),
            nameof(IAdminClient.CreateTopicsAsync) => Task.FromException(new CreateTopicsException(
                [.. ((IEnumerable<TopicSpecification>)args![0]!).Select(t => new CreateTopicReport { Topic = t.Name, Error = new Error(_cluster.CreateFails) })])),
            "Dispose" => null,
            _ => throw new NotSupportedException(targetMethod.Name),
        };
    }
}
