using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Core.Tests.Coupons;

namespace FlashSale.Core.Tests.Door;

/// <summary>All that a front door needs, in memory and on one thread; the engine decides and tells when the test says so.</summary>
internal sealed class DoorWorld : ICouponFollowerObserver, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];

    public DoorWorld(int partitions = 1, DoorOptions? options = null)
    {
        Options = options ?? new DoorOptions();
        Options.AppendInterval = TimeSpan.Zero;
        Options.AppendRate = 0;
        var pace = new AppendPace(Options, Time);
        Log = new LogWithFaults(Memory);
        Engines = [.. Enumerable.Range(0, partitions).Select(p => new HandEngine(Memory, State.Inner, p, partitions))];
        Followers = [.. Enumerable.Range(0, partitions).Select(p =>
            new CouponFollower(p, CouponTestData.TestLog, MachineTopics.Coupon, Log, State, pace, Options, Time, this))];
        var appender = Memory.NewAppender();
        Door = new CouponDoor(
            Followers, [.. Enumerable.Range(0, partitions).Select(p => new GroupCommit(MachineTopics.Coupon.Commands, p, appender, Followers[p].Appended, pace, Ids, Options, Time))],
            State, Options, Time, Ids);
    }

    public Pump Pump { get; } = new();

    public ManualTime Time { get; } = new();

    public MemoryLog Memory { get; } = new();

    public LogWithFaults Log { get; }

    public ReaderWithFaults State { get; } = new();

    public DoorOptions Options { get; }

    public TestIds Ids { get; } = new();

    public HandEngine[] Engines { get; }

    public HandEngine Engine => Engines[0];

    public CouponFollower[] Followers { get; }

    public CouponFollower Follower => Followers[0];

    public CouponDoor Door { get; }

    public int ReadyCount { get; private set; }

    public List<long> ToldOffsets { get; } = [];

    public List<Exception> Faults { get; } = [];

    /// <summary>Starts the followers.</summary>
    public DoorWorld Start()
    {
        Pump.Enter();
        foreach (var follower in Followers)
            _running.Add(follower.RunAsync(_stop.Token));
        Pump.Run();
        return this;
    }

    public void Advance(TimeSpan span)
    {
        Time.Advance(span);
        Pump.Run();
    }

    public void DecideAndTell()
    {
        foreach (var engine in Engines)
        {
            engine.Decide();
            engine.Tell();
        }

        Pump.Run();
    }

    public void Dispose()
    {
        _stop.Cancel();
        Pump.Run();
        Assert.All(_running, r => Assert.True(r.IsCompletedSuccessfully, "a follower does not end"));
        Assert.Equal(0, Memory.OpenReaders);
        _stop.Dispose();
        Log.Dispose();
        Pump.Dispose();
    }

    void ICouponFollowerObserver.Ready(int partition) => ReadyCount++;

    void ICouponFollowerObserver.Told(int partition, EventRecord told, DecidedRecord record) => ToldOffsets.Add(told.Answers.Offset);

    void ICouponFollowerObserver.Faulted(int partition, Exception fault) => Faults.Add(fault);
}

/// <summary>An engine by hand: decides what is in the log, and tells it, as far as the test wants it to.</summary>
internal sealed class HandEngine
{
    private static readonly OwnerToken Token = new(1, 1);

    private readonly MemoryLog _log;
    private readonly InMemoryCouponStore _store;
    private readonly int _partition;
    private readonly Queue<byte[]> _untold = [];
    private RecordPosition _applied;
    private long _commands;
    private ulong _records = 1_000_000;

    public HandEngine(MemoryLog log, InMemoryCouponStore store, int partition, int partitions)
    {
        (_log, _store, _partition) = (log, store, partition);
        var genesis = new GenesisRecord(new RecordId(7), CouponTestData.TestLog, "coupon", partition, partitions, MachineTopics.KeyHash, 1);
        log.Add(MachineTopics.Coupon.Commands, genesis.Encode(), partition);
        // The store in memory has answered when it returns: nothing is waited for, here and in Decide.
        Assert.Equal(FenceState.Held, store.ResetAsync(partition, genesis, Token).Result);
        _applied = new RecordPosition(0, genesis.Id);
    }

    /// <summary>Commands decided.</summary>
    public long Commands => _commands;

    public long ToldAtMs { get; set; } = 5_000;

    /// <summary>Appends a record of another node; yields its offset.</summary>
    public long Append(params CouponCommand[] commands) =>
        _log.Add(MachineTopics.Coupon.Commands, CouponTestData.Record(++_records, commands), _partition);

    /// <summary>Decides the records that are in the log, all or so many.</summary>
    public void Decide(int records = int.MaxValue)
    {
        foreach (var bytes in _log.Records(MachineTopics.Coupon.Commands, _partition).Skip((int)_applied.Offset + 1).Take(records).ToList())
        {
            var info = CouponRecord.Inspect(bytes);
            var record = new CommandToApply(_applied.Offset + 1, info, bytes);
            var result = _store.ApplyAsync(_partition, new ApplyBatch(CouponTestData.TestLog, Token, _applied, _applied.Offset, [record])).Result;
            Assert.Equal(FenceState.Held, result.State);
            _applied = record.Position;
            _commands += info.Commands;
            _untold.Enqueue(Event(record.Position, info.State == CommandRecordState.Readable ? bytes : [], result.Outcomes[0]));
        }
    }

    /// <summary>Tells what is decided and not yet told, all or so many records.</summary>
    public void Tell(int records = int.MaxValue)
    {
        for (var i = 0; i < records && _untold.TryDequeue(out var told); i++)
            TellBytes(told);
    }

    /// <summary>The next event that is decided and not yet told.</summary>
    public byte[] OnItsWay => _untold.Peek();

    /// <summary>Drops an event instead of telling it.</summary>
    public void Lose() => _untold.Dequeue();

    public void TellBytes(byte[] told) => _log.Add(MachineTopics.Coupon.Events, told, _partition);

    public byte[] Event(RecordPosition answers, byte[] command, byte[] outcomes, LogId? log = null) =>
        new EventRecord(new RecordId(++_records), log ?? CouponTestData.TestLog, answers, _commands, ToldAtMs, command, outcomes).Encode();
}

/// <summary>The log in memory, which can be away and whose readers can break.</summary>
internal sealed class LogWithFaults(MemoryLog inner) : ILog, IDisposable
{
    private CancellationTokenSource _connection = new();

    public bool IsAway { get; set; }

    public List<long> ReadFrom { get; } = [];

    public void Dispose() => _connection.Dispose();

    public void BreakReaders()
    {
        _connection.Cancel();
        _connection.Dispose();
        _connection = new CancellationTokenSource();
    }

    public ILogReader Read(string topic, int partition, long fromOffset)
    {
        ReadFrom.Add(fromOffset);
        return new Reader(this, inner.Read(topic, partition, fromOffset), _connection.Token);
    }

    public ValueTask<LogBounds> BoundsAsync(string topic, int partition, CancellationToken cancel) =>
        IsAway ? throw new LogUnavailableException("no broker") : inner.BoundsAsync(topic, partition, cancel);

    private sealed class Reader(LogWithFaults log, ILogReader inner, CancellationToken connection) : ILogReader
    {
        public async ValueTask<IReadOnlyList<LogRecord>> ReadAsync(int recordsMax, int bytesMax, CancellationToken cancel)
        {
            if (log.IsAway)
                throw new LogUnavailableException("no broker");
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, connection);
            try
            {
                return await inner.ReadAsync(recordsMax, bytesMax, either.Token);
            }
            catch (OperationCanceledException) when (connection.IsCancellationRequested)
            {
                throw new LogUnavailableException("the connection is lost");
            }
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

/// <summary>The state in memory, which can be away, missing, or one of an earlier time.</summary>
internal sealed class ReaderWithFaults : ICouponReader
{
    public InMemoryCouponStore Inner { get; } = new(CouponMachine.Instance);

    /// <summary>Read instead of <see cref="Inner"/> while set.</summary>
    public InMemoryCouponStore? Stale { get; set; }

    public bool IsAway { get; set; }

    public int? MissingPartition { get; set; }

    public int Reads { get; private set; }

    private InMemoryCouponStore Now
    {
        get
        {
            Reads++;
            return IsAway ? throw new StoreUnavailableException("no answer in time") : Stale ?? Inner;
        }
    }

    public Task<PartitionSnapshot?> ReadPartitionAsync(int partition, LogId log) => Now.ReadPartitionAsync(Of(partition), log);

    public Task<ClaimAnswer> ReadClaimAsync(ClaimQuestion claim) => Now.ReadClaimAsync(claim with { Partition = Of(claim.Partition) });

    public Task<IReadOnlyList<UserCoupons>?> ReadUserAsync(int partition, LogId log, string userId, long appliedMin) =>
        Now.ReadUserAsync(Of(partition), log, userId, appliedMin);

    private int Of(int partition) => partition == MissingPartition ? -1 : partition;
}
