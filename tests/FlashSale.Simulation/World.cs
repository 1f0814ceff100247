using FlashSale.Core.Door;
using FlashSale.Core.Engine;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;
using FlashSale.Simulation.Broker;
using FlashSale.Simulation.Chaos;
using FlashSale.Simulation.Database;
using FlashSale.Simulation.Nodes;
using FlashSale.Simulation.Oracle;
using FlashSale.Simulation.Scheduling;
using FlashSale.Simulation.State;

namespace FlashSale.Simulation;

/// <summary>The settings of a run's processes: small bounds, so that they are met.</summary>
internal sealed record NodeOptions(EngineOptions Engine, DoorOptions Door, LedgerOptions Ledger)
{
    public static NodeOptions Draw(SeededRandom random) => new(
        new EngineOptions
        {
            BatchRecordsMax = random.Between(1, 4),
            BatchCommandsMax = random.Between(2, 20),
            BatchesInFlightMax = random.Between(2, 4),
            UntoldRecordsMax = random.Between(1, 6),
            DrainTimeout = random.Between(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(3)),
            FencedBackoff = random.Between(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(3)),
            RefusedBackoff = random.Between(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(5)),
        },
        new DoorOptions
        {
            AppendsInFlightMax = random.Between(1, 3),
            AppendInterval = random.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(20)),
            RecentBytesMax = random.Chance(0.5) ? 4 << 20 : random.Between(0, 1_000),
            WaitersMax = random.Chance(0.8) ? 50_000 : random.Between(1, 3),
        },
        new LedgerOptions
        {
            RowsMax = random.Between(1, 10),
            RecordsMax = random.Between(1, 10),
            EveryRefusal = random.Chance(0.5),
            GatherTime = random.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(100)),
        });
}

/// <summary>All that a run consists of.</summary>
internal sealed class World
{
    private static readonly string[] CampaignNames = ["spring", "summer", "autumn", "winter"];

    /// <summary>Half of the runs have processes of one kind only; in the others those of both share the partitions, or all are of the other kind.</summary>
    private static readonly double[] SequentialShares = [0, 0, 0.5, 1];

    private readonly TraceLog _trace;
    private readonly SeededRandom _engines;
    private readonly double _sequentialShare;

    public World(ulong seed, TextWriter? output)
    {
        _engines = new SeededRandom(~seed);
        _sequentialShare = _engines.Of(SequentialShares);
        Random = new SeededRandom(seed);
        Scheduler = new Scheduler(Random.Fork());
        Domain = new Domain(Scheduler, "world");
        _trace = new TraceLog(Scheduler, output);
        Faults = new FaultPlan(Random.Fork());
        Partitions = Random.Between(1, 2);
        Users = [.. Enumerable.Range(0, Random.Between(3, 8)).Select(i => $"user{i}")];
        Campaigns = CampaignNames[..Random.Between(1, 3)];
        Options = NodeOptions.Draw(Random.Fork());
        LogId = NewLogId();
        Log = new Cluster(this);
        States = [.. Enumerable.Range(0, Partitions).Select(p => new StateServer(this, p))];
        Database = new SimulatedDatabase(Partitions);
        Oracle = new LogOracle(this);
        Answers = new Answers(this);
        Machines = new Group(this, "machines", static (node, p, stop) => node.RunMachineAsync(p, stop));
        Ledgers = new Group(this, "ledgers", static (node, p, stop) => node.RunLedgerAsync(p, stop));
    }

    public SeededRandom Random { get; }

    public Scheduler Scheduler { get; }

    /// <summary>Everything outside the processes: servers, networks, people.</summary>
    public Domain Domain { get; }

    public FaultPlan Faults { get; }

    public int Partitions { get; }

    public IReadOnlyList<string> Users { get; }

    public IReadOnlyList<string> Campaigns { get; }

    public NodeOptions Options { get; }

    public LogId LogId { get; }

    public Cluster Log { get; }

    public IReadOnlyList<StateServer> States { get; }

    public SimulatedDatabase Database { get; }

    public LogOracle Oracle { get; }

    public Answers Answers { get; }

    public Group Machines { get; }

    public Group Ledgers { get; }

    public List<Node> Nodes { get; } = [];

    /// <summary>The record version that processes write which are started from now on.</summary>
    public int Version { get; set; } = 1;

    public ulong TraceHash => _trace.Hash;

    public IReadOnlyCollection<string> LastSteps => _trace.Last;

    public void Trace(string who, string what) => _trace.Add(who, what);

    /// <summary>Whether all processes have the sequential engine.</summary>
    public bool IsSequentialOnly => _sequentialShare >= 1;

    public EngineKind DrawEngine() => _engines.Chance(_sequentialShare) ? EngineKind.Sequential : EngineKind.Batching;

    public LogId NewLogId()
    {
        Span<byte> bytes = stackalloc byte[LogId.Size];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, Random.Next());
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Random.Next());
        return LogId.Read(bytes);
    }

    public GenesisRecord Genesis(int partition, LogId log) =>
        new(new RecordId(Random.Next()), log, MachineTopics.Coupon.Machine, partition, Partitions, MachineTopics.KeyHash, GenesisRecord.RulesCurrent);

    public Node StartNode()
    {
        var node = new Node(this, $"node{Nodes.Count}", Version);
        Nodes.Add(node);
        node.Start();
        return node;
    }
}
