using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using FlashSale.Measure.Running;
using FlashSale.Redis;
using StackExchange.Redis;

namespace FlashSale.Measure.Twins;

/// <summary>
/// The twin of an idle claim: one append that Kafka acknowledges, one call of the script that decides it, one read of what was appended; one
/// after the other, with the bare clients and ready-made bytes.
/// </summary>
internal sealed class RoundTripTwin : IAsyncDisposable
{
    /// <summary>A partition of the state that no installation has.</summary>
    private const int Partition = 900;
    private const int PartitionsMax = 1_000;
    private const string Campaign = "idle";

    private static readonly TimeSpan ReadWithin = TimeSpan.FromSeconds(10);
    private static readonly OwnerToken Token = new(1, 7);
    private static readonly GenesisRecord Genesis = new(new RecordId(5), new LogId(new Guid("00112233-4455-6677-8899-aabbccddeeff")), "coupon", Partition, PartitionsMax, MachineTopics.KeyHash, GenesisRecord.RulesCurrent);

    private readonly KafkaOptions _kafka;
    private readonly string _topic;
    private readonly IProducer<Null, byte[]> _producer;
    private readonly IConsumer<Ignore, byte[]> _consumer;
    private readonly ConnectionMultiplexer _redis;
    private readonly RedisConnection _connection;
    private readonly RedisCouponStore _store;
    private RecordPosition _before;

    private RoundTripTwin(KafkaOptions kafka, string topic, ConnectionMultiplexer redis, RedisConnection connection)
    {
        _kafka = kafka;
        _topic = topic;
        _redis = redis;
        _connection = connection;
        _store = new RedisCouponStore(connection);
        _producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig
        {
            BootstrapServers = kafka.BootstrapServers,
            Acks = Acks.All,
            EnableIdempotence = true,
            LingerMs = 0,
            SocketNagleDisable = true,
        }).Build();
        _consumer = new ConsumerBuilder<Ignore, byte[]>(new ConsumerConfig
        {
            BootstrapServers = kafka.BootstrapServers,
            GroupId = topic,
            EnableAutoCommit = false,
            FetchMinBytes = 1,
            SocketNagleDisable = true,
        }).Build();
        _consumer.Assign(new TopicPartitionOffset(topic, 0, 0));
    }

    public static async Task<RoundTripTwin> ConnectAsync(Lab lab, KafkaOptions kafka, CancellationToken cancel)
    {
        var topic = $"{lab.NextName()}-twin";
        using (var admin = KafkaTopics.Admin(kafka))
            await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = 1, ReplicationFactor = 1 }]);
        var connection = new RedisConnection(new RedisOptions { Endpoints = lab.Stack.Redis }, TimeProvider.System);
        await connection.ConnectAsync(cancel);
        var twin = new RoundTripTwin(kafka, topic, await ConnectionMultiplexer.ConnectAsync(lab.Stack.Redis), connection);
        await twin._store.ResetAsync(Partition, Genesis, Token);
        var open = Records.ToApply(1, Records.Open(Campaign));
        await twin._store.ApplyAsync(Partition, new ApplyBatch(Genesis.Log, Token, new RecordPosition(0, Genesis.Id), 0, [open]));
        twin._before = open.Position;
        return twin;
    }

    /// <summary>One round trip; yields its milliseconds.</summary>
    public async Task<double> RunAsync(int user)
    {
        var record = Records.ToApply(_before.Offset + 1, Records.Claim(Campaign, user));
        var value = record.Value.ToArray();
        var arguments = RedisStateStore.Arguments(new ApplyBatch(Genesis.Log, Token, _before, _before.Offset, [record]));
        var keys = _store.Keys.Of(Partition);
        _before = record.Position;

        var started = Stopwatch.GetTimestamp();
        await _producer.ProduceAsync(new TopicPartition(_topic, 0), new Message<Null, byte[]> { Value = value });
        var answer = (RedisResult[])(await _redis.GetDatabase().ScriptEvaluateAsync(RedisScript.CouponApply.Hash, keys, arguments))!;
        var read = _consumer.Consume(ReadWithin);
        var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;

        if ((FenceState)(int)answer[0] != FenceState.Held)
            throw new MeasureException($"the script answers {(FenceState)(int)answer[0]} to the twin");
        if (read is null || !read.Message.Value.AsSpan().SequenceEqual(value))
            throw new MeasureException($"Kafka does not give what was appended within {ReadWithin.TotalSeconds:0} s");
        return took;
    }

    public async ValueTask DisposeAsync()
    {
        _consumer.Close();
        _consumer.Dispose();
        _producer.Dispose();
        _redis.Dispose();
        await _connection.DisposeAsync();
        using var admin = KafkaTopics.Admin(_kafka);
        await admin.DeleteTopicsAsync([_topic]);
    }
}
