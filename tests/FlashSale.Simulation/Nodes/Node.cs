using System.Diagnostics.CodeAnalysis;
using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Core.Engine;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;
using FlashSale.Simulation.Broker;
using FlashSale.Simulation.Chaos;
using FlashSale.Simulation.Database;
using FlashSale.Simulation.Scheduling;
using FlashSale.Simulation.State;

namespace FlashSale.Simulation.Nodes;

/// <summary>Which of the two ways of deciding the records of a partition a process has.</summary>
internal enum EngineKind
{
    /// <summary>Batches, several in flight.</summary>
    Batching,

    /// <summary>A record at a time, handed over by a loop that is not ours.</summary>
    Sequential,
}

/// <summary>A process: the production code of door, engine and ledger, put together as the host does it.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A simulated process dies, it does not clean up.")]
internal sealed class Node : IEngineObserver, ICouponFollowerObserver, ILedgerObserver
{
    /// <summary>As long as the host waits before it looks again at a ledger that was refused.</summary>
    private static readonly TimeSpan RefusedPause = TimeSpan.FromSeconds(10);

    private readonly World _world;
    private readonly StateClient _state;
    private readonly Producer _doorAppender;
    private readonly IReadOnlyList<Func<CancellationToken, Task>> _machines;
    private readonly List<Producer> _engineAppenders = [];
    private readonly List<Action> _onDeath = [];
    private readonly long[] _shown;

    public Node(World world, string name, int version)
    {
        _world = world;
        Name = name;
        Version = version;
        Domain = new Domain(world.Scheduler, name);
        Clock = new VirtualTime(Domain);
        _state = new StateClient(world, this);
        _doorAppender = new Producer(world, this, gapless: false);
        Loopback = new Loopback(Clock);
        var doorLog = Loopback.Over(new LogClient(world, this, "door"));
        _shown = new long[world.Partitions];
        ToldBefore = new long[world.Partitions];
        var partitions = Enumerable.Range(0, world.Partitions).ToList();
        var ids = world.Random.Fork();
        var (machine, log, topics, options) = (CouponMachine.Instance, world.LogId, MachineTopics.Coupon, world.Options);
        var machinesLog = new LogClient(world, this, "machines");
        var ledgerLog = Loopback.Over(new LogClient(world, this, "ledger"));
        var ledger = new LedgerClient(world, this);
        var streamLog = new LogClient(world, this, "stream");
        Engine = world.DrawEngine();
        _machines = Engine == EngineKind.Sequential
            ? [.. partitions.Select<int, Func<CancellationToken, Task>>(p => new StreamLoop(world, this, streamLog, EngineAppender,
                () => new SequentialPartition(machine, p, log, machinesLog, _state, EngineAppender, options.Engine, Clock, ids, this), p).RunAsync)]
            : [.. partitions.Select<int, Func<CancellationToken, Task>>(p => new MachinePartition(machine, p, log, machinesLog, _state, EngineAppender, options.Engine, Clock, ids, this).RunAsync)];
        Ledgers = [.. partitions.Select(p => new LedgerPartition(p, log, topics, ledgerLog, ledger, options.Ledger, this, Clock))];
        var pace = new AppendPace(options.Door, Clock);
        CouponFollower[] followers = [.. partitions.Select(p => new CouponFollower(p, log, topics, doorLog, _state, pace, options.Door, Clock, this))];
        Door = new CouponDoor(
            followers,
            [.. partitions.Select(p => new GroupCommit(topics.Commands, p, _doorAppender, followers[p].Appended, pace, ids, options.Door, Clock))],
            _state, options.Door, Clock, ids);
    }

    public string Name { get; }

    /// <summary>Of the record format that it writes, and reads up to.</summary>
    public int Version { get; }

    public Domain Domain { get; }

    public VirtualTime Clock { get; }

    public CouponDoor Door { get; }

    public EngineKind Engine { get; }

    /// <summary>What its engine tells, for its door and its ledger.</summary>
    public Loopback Loopback { get; }

    public IReadOnlyList<LedgerPartition> Ledgers { get; }

    public bool IsDead => Domain.IsDead;

    public static Task<T> Never<T>() => new TaskCompletionSource<T>().Task;

    public void Start()
    {
        _world.Trace(Name, $"starts, version {Version}, {Engine} engine");
        foreach (var follower in Door.Partitions)
            Domain.Start(() => follower.RunAsync(CancellationToken.None));
    }

    public void Crash()
    {
        if (IsDead)
            return;
        _world.Trace(Name, "dies");
        Domain.Die();
        _state.Abandon();
        _doorAppender.Abandon();
        _engineAppenders.ForEach(a => a.Abandon());
        _onDeath.ForEach(static d => d());
    }

    public void OnDeath(Action action) => _onDeath.Add(action);

    /// <summary>Whether the process dies here. Then nothing may come of what it does on the way to its next await.</summary>
    public bool CrashesAt(FaultKind kind, string effect)
    {
        if (IsDead || !_world.Faults.Strikes(kind))
            return IsDead;
        _world.Trace(Name, $"{kind}: {effect}");
        Crash();
        return true;
    }

    /// <summary>What comes before every answer of a server: it takes a time, and the process may not live to see it.</summary>
    public async Task ReachAsync(string what)
    {
        if (IsDead || CrashesAt(FaultKind.CrashBefore, what))
            await Never<bool>();
        await Domain.DelayAsync(_world.Faults.Latency());
    }

    public Task RunMachineAsync(int partition, CancellationToken stop) => _machines[partition](stop);

    /// <summary>Runs a ledger writer; one that refuses is tried again, as the host does it.</summary>
    public async Task RunLedgerAsync(int partition, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Ledgers[partition].RunAsync(stop);
            }
            catch (LogRefusedException refused)
            {
                _world.Trace(Name, $"ledger {partition} refuses: {refused.Message}");
                await Domain.DelayAsync(RefusedPause);
            }
        }
    }

    /// <summary>By partition: up to where outcomes had been told when this process took it over. It has no reason to tell them again.</summary>
    public long[] ToldBefore { get; }

    /// <summary>The last record that this process has shown somebody to be decided.</summary>
    public long Shown(int partition) => _shown[partition] = Math.Max(_shown[partition], Door.Partitions[partition].Mark);

    void IEngineObserver.Changed(PartitionProgress progress) =>
        _world.Trace(Name, $"engine {progress.Partition}: {progress.State} applied {progress.Applied} told {progress.Told} {progress.Reason}");

    void IEngineObserver.Applied(int partition, int records, int commands)
    {
    }

    void IEngineObserver.Decided(int partition, ReadOnlyMemory<byte> told) => Door.Partitions[partition].Decided(told);

    void IEngineObserver.DeadLettered(RecordAddress address) => _world.Trace(Name, $"dead letter {address}");

    void ICouponFollowerObserver.Ready(int partition) => _world.Trace(Name, $"door {partition}: ready at {Door.Partitions[partition].Mark}");

    void ICouponFollowerObserver.Told(int partition, EventRecord told, DecidedRecord record) => Shown(partition);

    void ICouponFollowerObserver.Faulted(int partition, Exception fault) => _world.Trace(Name, $"door {partition}: {fault.Message}");

    void ILedgerObserver.DatabaseAway(int partition, Exception error) => _world.Trace(Name, $"ledger {partition}: {error.Message}");

    void ILedgerObserver.DatabaseBack(int partition, int failures) => _world.Trace(Name, $"ledger {partition}: the database is back");

    void ILedgerObserver.LogAway(int partition, Exception error) => _world.Trace(Name, $"ledger {partition}: {error.Message}");

    void ILedgerObserver.LogBack(int partition, int failures) => _world.Trace(Name, $"ledger {partition}: the log is back");

    /// <summary>The process's gapless appender: a new one whenever the last has ended, as the real factory does it.</summary>
    private Producer EngineAppender()
    {
        if (_engineAppenders.Count == 0 || _engineAppenders[^1].IsBroken)
            _engineAppenders.Add(new Producer(_world, this, gapless: true));
        return _engineAppenders[^1];
    }
}
