using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FlashSale.Core;
using FlashSale.Core.Log;
using Microsoft.Extensions.Logging;

namespace FlashSale.Kafka;

/// <summary>
/// Makes sure, at start, that the topics of a machine are there and are what the design relies on, and reads the log's
/// identity from their genesis records (or writes those, into topics that are new).
/// </summary>
/// <param name="openAdmin">Makes a client for administration; left out: <see cref="Admin"/>.</param>
public sealed class KafkaTopics(
    KafkaOptions options, MachineTopics topics, IRandomIds ids, ILogger<KafkaTopics> logger, Func<KafkaOptions, IAdminClient>? openAdmin = null)
{
    private const string MessageBytesMax = "max.message.bytes";

    /// <summary>Largest record of commands and events: Kafka's default. Ours stay below it by far; a foreign one up to it still fits the dead letters.</summary>
    private const int RecordBytesMax = 1_048_588;

    /// <summary>Errors that do not pass by themselves when a topic cannot be created.</summary>
    private static readonly ErrorCode[] CreateRefused =
        [ErrorCode.TopicAuthorizationFailed, ErrorCode.ClusterAuthorizationFailed, ErrorCode.InvalidConfig, ErrorCode.PolicyViolation, ErrorCode.InvalidPartitions, ErrorCode.TopicException];

    /// <summary>Settings without which the log could forget, and the value that each must have (Kafka's topic-level names).</summary>
    private static readonly IReadOnlyDictionary<string, string> Required = new Dictionary<string, string>
    {
        ["cleanup.policy"] = "delete",
        ["retention.ms"] = "-1",
        ["retention.bytes"] = "-1",
        ["unclean.leader.election.enable"] = "false",
    };

    /// <summary>A client for administration.</summary>
    public static IAdminClient Admin(KafkaOptions options)
    {
        var config = new AdminClientConfig { ClientId = "flashsale-admin" };
        options.ApplyTo(config);
        // What goes wrong is told by the calls themselves.
        return new AdminClientBuilder(config).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
    }

    /// <summary>Creates what is missing, checks everything, and returns the identity of the log.</summary>
    /// <exception cref="LogRefusedException">The topics are not what they must be; the message says what to do.</exception>
    /// <exception cref="LogUnavailableException">The cluster does not answer.</exception>
    public async Task<LogId> EnsureAsync(ILog log, ILogAppender appender, CancellationToken cancel)
    {
        using var admin = (openAdmin ?? Admin)(options);
        try
        {
            var brokers = await CreateMissingAsync(admin, cancel);
            await CheckSettingsAsync(admin, brokers);
        }
        catch (KafkaException e)
        {
            throw new LogUnavailableException($"Kafka at {options.BootstrapServers}: {e.Error.Reason}", e);
        }

        return await EnsureGenesisAsync(log, appender, cancel);
    }

    /// <summary>Reads the log's identity, after writing genesis records into partitions that are empty. All partitions carry the identity that partition 0 has, so that creators that race agree.</summary>
    public async Task<LogId> EnsureGenesisAsync(ILog log, ILogAppender appender, CancellationToken cancel)
    {
        var first = await EnsureGenesisAsync(log, appender, 0, new LogId(Guid.NewGuid()), cancel);
        await Task.WhenAll(Enumerable.Range(1, options.Partitions - 1).Select(async p =>
        {
            var genesis = await EnsureGenesisAsync(log, appender, p, first.Log, cancel);
            if (genesis.Log != first.Log)
                throw new LogRefusedException($"partition {p} of {topics.Commands} is of log {genesis.Log}, partition 0 of {first.Log}: the topic was put together from two. Restore one of them");
        }));
        return first.Log;
    }

    private async Task<GenesisRecord> EnsureGenesisAsync(ILog log, ILogAppender appender, int partition, LogId logId, CancellationToken cancel)
    {
        var bounds = await log.BoundsAsync(topics.Commands, partition, cancel);
        if (bounds.Start > 0)
            throw new LogRefusedException($"the start of {topics.Commands} [{partition}] was deleted (first offset {bounds.Start}). Set its retention to unlimited and restore the log");
        if (bounds.End == 0)
        {
            if ((await log.BoundsAsync(topics.Events, partition, cancel)).End > 0)
                throw new LogRefusedException($"{topics.Commands} [{partition}] is empty, but {topics.Events} [{partition}] is not: the command topic was recreated. Restore it, or delete both and begin a new log");
            var genesis = new GenesisRecord(new RecordId(ids.Next()), logId, topics.Machine, partition, options.Partitions, MachineTopics.KeyHash, GenesisRecord.RulesCurrent);
            await appender.AppendAsync(topics.Commands, partition, genesis.Encode());
        }

        await using var reader = log.Read(topics.Commands, partition, 0);
        var record = (await reader.ReadAsync(1, 1, cancel))[0];
        if (GenesisRecord.IsOfNewerVersion(record.Value.Span))
            throw new LogRefusedException($"{topics.Commands} [{partition}] begins with a record of a newer version than this build reads: update this process");
        var found = GenesisRecord.TryDecode(record.Value.Span);
        if (record.Offset != 0 || found is null)
            throw new LogRefusedException($"{topics.Commands} [{partition}] does not begin with a genesis record: it was not created by FlashSale. Delete the topic, or set Kafka:TopicPrefix");
        Check(found, partition);
        return found;
    }

    private void Check(GenesisRecord genesis, int partition)
    {
        if (genesis.Machine != topics.Machine || genesis.Partition != partition)
            throw new LogRefusedException($"{topics.Commands} [{partition}] begins with the genesis record of {genesis.Machine} [{genesis.Partition}]: the topics were mixed up");
        if (genesis.Partitions != options.Partitions)
            throw new LogRefusedException($"{topics.Commands} was laid out for {genesis.Partitions} partitions, now it has {options.Partitions}: partitions must never be added, as keys would move. Restore the topic");
        if (genesis.KeyHash != MachineTopics.KeyHash)
            throw new LogRefusedException($"{topics.Commands} spreads keys by {genesis.KeyHash}, this build by {MachineTopics.KeyHash}: use the build that created it");
        if (genesis.Rules > GenesisRecord.RulesCurrent)
            throw new LogRefusedException($"{topics.Commands} is decided by rules version {genesis.Rules}, this build knows up to {GenesisRecord.RulesCurrent}: update this process");
    }

    private async Task<int> CreateMissingAsync(IAdminClient admin, CancellationToken cancel)
    {
        var metadata = await Task.Run(() => admin.GetMetadata(options.AdminTimeout), cancel);
        var existing = metadata.Topics.ToDictionary(t => t.Topic, t => t.Partitions.Count);
        foreach (var topic in new[] { topics.Commands, topics.Events, topics.DeadLetters })
        {
            if (!existing.TryGetValue(topic, out var partitions))
                await CreateAsync(admin, topic);
            else if (partitions != options.Partitions)
                throw new LogRefusedException($"topic {topic} has {partitions} partitions, Kafka:Partitions is {options.Partitions}: set Kafka:Partitions={partitions}, or delete the topic if it is empty");
        }

        return metadata.Brokers.Count;
    }

    private async Task CreateAsync(IAdminClient admin, string topic)
    {
        var settings = Required.ToDictionary(s => s.Key, s => s.Value);
        settings["min.insync.replicas"] = Math.Min(2, (int)options.ReplicationFactor).ToString(CultureInfo.InvariantCulture);
        // Dead letters hold whole records of the other topics, and their address.
        settings[MessageBytesMax] = (topic == topics.DeadLetters ? ProducerSettings.RecordBytesMax : RecordBytesMax).ToString(CultureInfo.InvariantCulture);
        try
        {
            await admin.CreateTopicsAsync(
                [new TopicSpecification { Name = topic, NumPartitions = options.Partitions, ReplicationFactor = options.ReplicationFactor, Configs = settings }],
                new CreateTopicsOptions { OperationTimeout = options.AdminTimeout, RequestTimeout = options.AdminTimeout });
            KafkaLogMessages.TopicCreated(logger, topic, options.Partitions);
        }
        catch (CreateTopicsException e) when (e.Results[0].Error.Code == ErrorCode.TopicAlreadyExists)
        {
            // Another process was first.
        }
        catch (CreateTopicsException e) when (!CreateRefused.Contains(e.Results[0].Error.Code))
        {
            throw new LogUnavailableException($"topic {topic} cannot be created yet: {e.Results[0].Error.Reason}", e);
        }
        catch (CreateTopicsException e)
        {
            throw new LogRefusedException($"topic {topic} is missing, or hidden from this user, and cannot be created: {e.Results[0].Error.Reason}. Grant DESCRIBE and READ on it if it is there; else create it with {options.Partitions} partitions and {string.Join(", ", settings.Select(s => $"{s.Key}={s.Value}"))}");
        }
    }

    private async Task CheckSettingsAsync(IAdminClient admin, int brokers)
    {
        var resources = new[] { topics.Commands, topics.Events }.Select(t => new ConfigResource { Type = ResourceType.Topic, Name = t });
        List<DescribeConfigsResult> described;
        try
        {
            described = await admin.DescribeConfigsAsync(resources, new DescribeConfigsOptions { RequestTimeout = options.AdminTimeout });
        }
        catch (DescribeConfigsException e) when (e.Results[0].Error.Code is ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed)
        {
            KafkaLogMessages.SettingsWarning(logger, $"The settings of {topics.Commands} and {topics.Events} cannot be checked ({e.Results[0].Error.Reason}): grant DESCRIBE_CONFIGS, or make sure of {string.Join(", ", Required.Select(s => $"{s.Key}={s.Value}"))}");
            return;
        }

        foreach (var topic in described)
        {
            foreach (var (name, value) in Required)
            {
                if (topic.Entries.TryGetValue(name, out var entry) && entry.Value != value)
                    throw new LogRefusedException($"topic {topic.ConfigResource.Name} has {name}={entry.Value}, which could lose what was decided: set {name}={value}");
            }

            if (int.Parse(topic.Entries[MessageBytesMax].Value, CultureInfo.InvariantCulture) > RecordBytesMax)
                throw new LogRefusedException($"topic {topic.ConfigResource.Name} has {MessageBytesMax}={topic.Entries[MessageBytesMax].Value}: a record of that size would not fit the dead letters. Set it to {RecordBytesMax}");
            CheckReplicas(topic, brokers);
        }

        if (brokers == 1)
            KafkaLogMessages.SettingsWarning(logger, "Kafka has a single broker: acknowledged commands are not safe against its loss, nor against a power failure");
    }

    private static void CheckReplicas(DescribeConfigsResult topic, int brokers)
    {
        var replicas = int.Parse(topic.Entries["min.insync.replicas"].Value, CultureInfo.InvariantCulture);
        if (brokers > 1 && replicas < 2)
            throw new LogRefusedException($"topic {topic.ConfigResource.Name} has min.insync.replicas={replicas} on {brokers} brokers: an acknowledged command could be on one disk only. Set min.insync.replicas=2 and at least as many replicas (Kafka:ReplicationFactor=3)");
    }
}
