using FlashSale.Core;
using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Core.Engine;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using FlashSale.MySql;
using FlashSale.Redis;
using FlashSale.Server.Operations;

namespace FlashSale.Server.Hosting;

/// <summary>
/// What runs in this process, as it comes up: endpoints look here for the door, the partitions and the reasons why something
/// is not ready.
/// </summary>
public sealed class Node(Settings settings)
{
    private volatile string? _waitingFor = "starting";

    public Settings Settings => settings;

    /// <summary>The log's identity; none until it is known.</summary>
    public LogId Log { get; private set; }

    /// <summary>The front door, once the log is known and this process has the role.</summary>
    public CouponDoor? Door { get; private set; }

    /// <summary>Runs the coupon machine; none without the role.</summary>
    public IMachineEngine? Engine { get; private set; }

    /// <summary>The partitions of the coupon machine; empty without the role.</summary>
    public IReadOnlyList<IMachinePartition> Machines => Engine?.Partitions ?? [];

    /// <summary>The ledger's writers; empty without the role.</summary>
    public IReadOnlyList<LedgerPartition> Ledgers { get; private set; } = [];

    /// <summary>Reads dead letters, once the log is known.</summary>
    internal DeadLetterReader? DeadLetters { get; private set; }

    /// <summary>Why this process had to give up; it then ends with exit code 1.</summary>
    public string? Fatal { get; set; }

    /// <summary>What start-up waits for, or null when it is done.</summary>
    public string? WaitingFor
    {
        get => _waitingFor;
        set => _waitingFor = value;
    }

    /// <summary>Why this process is not ready; empty when it is.</summary>
    public IReadOnlyList<string> NotReady()
    {
        if (WaitingFor is { } waiting)
            return [waiting];
        var reasons = new List<string>();
        foreach (var partition in Door?.Partitions ?? [])
        {
            if (partition.NotReady is { } reason)
                reasons.Add($"partition {partition.Partition}: {reason}");
        }

        foreach (var progress in Machines.Select(m => m.Progress))
        {
            if (progress.State is not (PartitionState.Running or PartitionState.Stopped))
                reasons.Add($"partition {progress.Partition}: {Names.Of(progress.State)}{(progress.Reason is null ? "" : $": {progress.Reason}")}");
        }

        return reasons;
    }

    /// <summary>Puts the parts of the roles together, once the log is known.</summary>
    internal void Compose(LogId log, NodeParts parts)
    {
        Log = log;
        DeadLetters = new DeadLetterReader(parts.StartLog, parts.Machine.Topics.DeadLetters, settings.Kafka.Partitions);
        var partitions = Enumerable.Range(0, settings.Kafka.Partitions).ToList();
        if (settings.Roles.HasFlag(Roles.Machines))
            Engine = Engines.Create(settings, log, parts);

        if (settings.Roles.HasFlag(Roles.Ledger))
        {
            Ledgers = [.. partitions.Select(p => new LedgerPartition(
                p, log, parts.Machine.Topics, parts.Loopback.Over(parts.LedgerLog!), parts.Ledger!, settings.Ledger, parts.Observers, parts.Time))];
        }

        if (settings.Roles.HasFlag(Roles.Api))
        {
            var pace = new AppendPace(settings.Door, parts.Time);
            var followers = partitions.Select(p => new CouponFollower(
                p, log, parts.Machine.Topics, parts.Loopback.Over(parts.ApiLog!), parts.Coupons, pace, settings.Door, parts.Time, parts.Observers)).ToList();
            var commits = partitions.Select(p => new GroupCommit(parts.Machine.Topics.Commands, p, parts.Appender, followers[p].Appended, pace, RandomIds.Shared, settings.Door, parts.Time)).ToList();
            Door = new CouponDoor(followers, commits, parts.Coupons, settings.Door, parts.Time, RandomIds.Shared);
        }
    }
}

/// <summary>The adapters of a process, made from its settings; closed in reverse order.</summary>
internal sealed class NodeParts : IAsyncDisposable
{
    /// <summary>About 2,000 claims: the ledger gathers for longer than a fetch may wait anyway.</summary>
    private const int LedgerFetchBytesMin = 64 * 1024;

    private readonly Settings _settings;

    public NodeParts(Settings settings, Observers observers, TimeProvider time, ILoggerFactory loggers)
    {
        _settings = settings;
        Loggers = loggers;
        Observers = observers;
        Time = time;
        Loopback = new Loopback(time);
        Machine = new CouponMachine(MachineTopics.Coupon with { Prefix = settings.Kafka.TopicPrefix });
        if (settings.Profile != Profile.Servers)
        {
            Broker = new EmbeddedBroker();
            settings.Kafka.BootstrapServers = Broker.BootstrapServers;
            settings.Kafka.Partitions = EmbeddedBroker.Partitions;
            Broker.Create(Machine.Topics.Commands, Machine.Topics.Events, Machine.Topics.DeadLetters);
        }

        Appender = new KafkaAppender(settings.Kafka, loggers.CreateLogger<KafkaAppender>());
        StartLog = Log("start");
        if (settings.Roles.HasFlag(Roles.Api))
            ApiLog = Log("api");
        if (settings.Roles.HasFlag(Roles.Machines))
        {
            MachinesLog = Log("machines");
            Appenders = new GaplessAppenders(settings.Kafka, Loopback, loggers.CreateLogger<GaplessKafkaAppender>());
        }

        if (settings.Profile == Profile.Embedded)
        {
            var store = new InMemoryCouponStore(Machine);
            States = store;
            Coupons = store;
        }
        else
        {
            Redis = new RedisConnection(settings.Redis, time);
            var store = new RedisCouponStore(Redis);
            States = store;
            Coupons = store;
        }

        if (!settings.Roles.HasFlag(Roles.Ledger))
            return;
        LedgerLog = Log("ledger", LedgerFetchBytesMin);
        Ledger = settings.Profile == Profile.Embedded ? new SqliteLedger() : new MySqlLedger(settings.MySql);
    }

    public CouponMachine Machine { get; }

    public Observers Observers { get; }

    public TimeProvider Time { get; }

    public ILoggerFactory Loggers { get; }

    public EmbeddedBroker? Broker { get; }

    public RedisConnection? Redis { get; }

    public IStateStore States { get; }

    public ICouponReader Coupons { get; }

    public ILedger? Ledger { get; }

    public KafkaAppender Appender { get; }

    /// <summary>What the engine of this process tells, for its door and its ledger.</summary>
    public Loopback Loopback { get; }

    public GaplessAppenders? Appenders { get; }

    /// <summary>Reads at start-up, and whatever is asked for now and then.</summary>
    public KafkaLog StartLog { get; }

    public KafkaLog? ApiLog { get; }

    public KafkaLog? MachinesLog { get; }

    public KafkaLog? LedgerLog { get; }

    public KafkaTopics Topics() => new(_settings.Kafka, Machine.Topics, RandomIds.Shared, Loggers.CreateLogger<KafkaTopics>());

    public KafkaGroup Group(string role, string topic) => new(_settings.Kafka, role, topic, Loggers.CreateLogger<KafkaGroup>());

    public async ValueTask DisposeAsync()
    {
        foreach (var log in new[] { LedgerLog, MachinesLog, ApiLog, StartLog })
        {
            if (log is not null)
                await log.DisposeAsync();
        }

        if (Appenders is not null)
            await Appenders.DisposeAsync();
        Appender.Dispose();
        if (Redis is not null)
            await Redis.DisposeAsync();
        if (Ledger is IDisposable ledger)
            ledger.Dispose();
        Broker?.Dispose();
    }

    private KafkaLog Log(string name, int fetchBytesMin = 1) => new(_settings.Kafka, name, Loggers.CreateLogger<KafkaLog>(), fetchBytesMin);
}
