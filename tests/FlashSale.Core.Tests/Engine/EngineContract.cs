using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Engine;

/// <summary>What every engine must do, against a log, a store and a clock in memory; every test runs on one thread.</summary>
public abstract class EngineContract : IDisposable, IEngineObserver
{
    private const string Commands = "coupon-commands";
    private const string Events = "coupon-events";
    private const string DeadLetters = "coupon-commands-dlq";

    private static readonly LogId Log = new(new Guid("11111111-2222-3333-4444-555555555555"));

    private readonly Pump _pump = new();
    private readonly ManualTime _time = new();
    private readonly MemoryLog _log = new();
    private readonly StoreWithFaults _store = new();
    private readonly TestIds _ids = new();
    private readonly EngineOptions _options = new();
    private readonly List<PartitionProgress> _changes = [];
    private readonly List<RecordAddress> _deadLetters = [];
    private readonly List<byte[]> _decided = [];
    private readonly List<MemoryLog.Appender> _appenders = [];
    private CancellationTokenSource _stop = new();
    private IMachinePartition? _partition;
    private Task _running = Task.CompletedTask;

    protected EngineContract() => _log.Add(Commands, new GenesisRecord(new RecordId(7), Log, "coupon", 0, 1, MachineTopics.KeyHash, 1).Encode());

    /// <summary>Starts the engine under test on partition 0, and yields the partition and the task that ends after the stop.</summary>
    private protected abstract (IMachinePartition Partition, Task Running) StartEngine(EngineWorld world, CancellationToken stop);

    public void Dispose()
    {
        Stop();
        Assert.True(_running.IsCompletedSuccessfully, "the partition does not end");
        Assert.Equal(0, _log.OpenReaders);
        _stop.Dispose();
        _pump.Dispose();
        GC.SuppressFinalize(this);
    }

    void IEngineObserver.Changed(PartitionProgress progress) => _changes.Add(progress);

    void IEngineObserver.Applied(int partition, int records, int commands)
    {
    }

    void IEngineObserver.Decided(int partition, ReadOnlyMemory<byte> told) => _decided.Add(told.ToArray());

    void IEngineObserver.DeadLettered(RecordAddress address) => _deadLetters.Add(address);

    [Fact]
    public void Run_EmptyState_DecidesAndTellsInOrder()
    {
        Append(Open("sale", 2));
        Append(Claim("sale", "a"), Claim("sale", "b"), Claim("sale", "c"));
        Start();
        Append(Claim("sale", "a"));
        _pump.Run();

        Assert.Equal([1, 2, 3], Answered());
        Assert.Equal([CouponOutcome.CampaignOpened, CouponOutcome.Issued, CouponOutcome.Issued, CouponOutcome.SoldOut, CouponOutcome.AlreadyClaimed], Outcomes());
        Assert.Equal([1, 4, 5], Told().Select(e => e.Commands));
        Assert.Equal((PartitionState.Running, 3L, 3L), (Progress.State, Progress.Applied, Progress.Told));
    }

    [Fact]
    public void Run_LimitedCommands_DecidesNoMoreInASecond()
    {
        _options.CommandsPerSecondMax = 100;
        Append(Open("sale", 100));
        for (var record = 0; record < 6; record++)
            Append([.. Enumerable.Range(0, 10).Select(i => Claim("sale", $"user-{record}-{i}"))]);
        Start();
        var decided = new List<int>();
        for (var step = 0; step < 6; step++)
        {
            decided.Add(Outcomes().Count);
            _time.Advance(TimeSpan.FromMilliseconds(100));
            _pump.Run();
        }

        // The opening and 50 ms that may be made up for come first.
        Assert.Equal([11, 21, 31, 41, 51, 61], decided);
    }

    [Fact]
    public void Run_SecondOwner_GoesOnAfterTheFirst()
    {
        Append(Open("sale", 2), Claim("sale", "a"));
        Start();
        Stop();
        Append(Claim("sale", "b"), Claim("sale", "c"));
        Restart();

        Assert.Equal([1, 2], Answered());
        Assert.Equal([CouponOutcome.Issued, CouponOutcome.SoldOut], Outcomes().Skip(2));
    }

    [Fact]
    public void TakeOver_DecidedButNotTold_TellsTheOutcomesKept()
    {
        Append(Open("sale", 1), Claim("sale", "a"));
        _log.HoldAppends = true;
        Start();
        Append(Claim("sale", "b"));
        _pump.Run();
        Assert.Equal(2, _log.Held.Count);
        Abandon();

        Restart();
        Assert.Equal([1, 2], Answered());
        Assert.Equal([CouponOutcome.CampaignOpened, CouponOutcome.Issued, CouponOutcome.SoldOut], Outcomes());
        Assert.Equal([2, 3], Told().Select(e => e.Commands));
    }

    [Fact]
    public void Run_Decided_IsReportedWhileTheEventIsOnItsWay()
    {
        Append(Open("sale", 1), Claim("sale", "a"));
        _log.HoldAppends = true;
        Start();
        Append(Claim("sale", "b"));
        _pump.Run();
        Assert.Empty(_log.Records(Events));
        Assert.Equal([1, 2], _decided.Select(d => EventRecord.Decode(d).Answers.Offset));

        _log.HoldAppends = false;
        foreach (var (_, complete) in _log.Held.ToList())
            complete(true);
        _pump.Run();
        Assert.Equal(_log.Records(Events), _decided);
    }

    [Fact]
    public void TakeOver_DecidedNotToldAndNotKept_FindsTheOutcomesByTheModel()
    {
        Append(Open("sale", 1), Claim("sale", "a"));
        Start();
        _log.HoldAppends = true;
        Append(Claim("sale", "b"));
        _pump.Run();
        Abandon();
        _store.ForgetRecent = true;

        Restart();
        Assert.Equal([1, 2], Answered());
        Assert.Equal(CouponOutcome.SoldOut, Outcomes()[^1]);
    }

    [Fact]
    public void TakeOver_StoreEmptied_RebuildsWithoutTellingAgain()
    {
        Append(Open("sale", 1), Claim("sale", "a"));
        Append(Claim("sale", "b"));
        Start();
        Stop();
        _store.Empty();
        Append(Claim("sale", "c"));
        Restart();

        Assert.Equal([1, 2, 3], Answered());
        Assert.Equal(CouponOutcome.SoldOut, Outcomes()[^1]);
        Assert.Contains(_changes, c => c.State == PartitionState.Rebuilding);
        Assert.Equal(PartitionState.Running, Progress.State);
    }

    [Fact]
    public void Run_StoreEmptiedWhileRunning_NeverDecidesOnAnEmptyState()
    {
        Append(Open("sale", 1), Claim("sale", "a"));
        Start();
        _store.Empty();
        Append(Claim("sale", "b"));
        Settle();

        Assert.Equal([1, 2], Answered());
        Assert.Equal(CouponOutcome.SoldOut, Outcomes()[^1]);
    }

    [Fact]
    public void Run_StoreEmptiedWhileNothingHappens_IsRebuiltWithoutACommand()
    {
        Append(Open("sale", 1), Claim("sale", "a"));
        Start();
        _store.Empty();
        Assert.Equal(FenceState.Missing, _pump.Result(_store.TakeOverAsync(0, Log, 99)).State);
        Settle();

        Assert.Equal(1, _pump.Result(_store.TakeOverAsync(0, Log, 99)).Applied.Offset);
        Assert.Equal([1], Answered());
        Assert.Equal(PartitionState.Running, Progress.State);
    }

    [Fact]
    public void TakeOver_ManyRepeatsAtTheEndOfTheEvents_TellsNothingAgain()
    {
        Append(Open("sale", 5));
        Append(Claim("sale", "a"));
        Start();
        Stop();
        var told = _log.Records(Events).ToList();
        for (var i = 0; i < 3 * _options.UntoldRecordsMax; i++)
            _log.Add(Events, told[0]);
        Append(Claim("sale", "b"));
        Restart();

        Assert.Equal([2, 3], Answered().Where(offset => offset != 1));
    }

    [Fact]
    public void Run_AnswerOfTheStoreLost_TellsWhatWasAppliedOnce()
    {
        Append(Open("sale", 5));
        Start();
        _store.LoseAnswers = 1;
        Append(Claim("sale", "a"));
        Settle();

        Assert.Equal([1, 2], Answered());
        Assert.Equal(CouponOutcome.Issued, Outcomes()[^1]);
        Assert.Equal(1, Told()[^1].Commands - Told()[0].Commands);
    }

    [Fact]
    public void Run_TakenOverByAnother_StopsAndComesBackOnlyAfterThePause()
    {
        Append(Open("sale", 5));
        Start();
        _pump.Result(_store.TakeOverAsync(0, Log, 99));
        Append(Claim("sale", "a"));
        _pump.Run();
        Assert.Equal([1], Answered());
        Assert.Equal(PartitionState.Waiting, Progress.State);

        _time.Advance(_options.FencedBackoff - TimeSpan.FromMilliseconds(1));
        _pump.Run();
        Assert.Equal([1], Answered());
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _pump.Run();
        Assert.Equal([1, 2], Answered());
    }

    [Fact]
    public void Run_AppendOfAnEventFails_TakesOverWithANewAppenderAndLeavesNoGap()
    {
        Append(Open("sale", 5));
        Start();
        _log.HoldAppends = true;
        Append(Claim("sale", "a"));
        _pump.Run();
        Append(Claim("sale", "b"));
        _pump.Run();
        var held = _log.Held.ToList();
        _log.Held.Clear();
        _log.HoldAppends = false;
        held[0].Complete(false);
        held[1].Complete(true);
        Settle();

        Assert.Equal([1, 2, 3], Answered());
        Assert.Equal(2, _appenders.Count);
    }

    [Fact]
    public void Run_Garbage_IsDecidedAndCopiedAndThePartitionGoesOn()
    {
        Append(Open("sale", 5));
        _log.Add(Commands, [1, 2, 3]);
        Append(Claim("sale", "a"));
        Start();

        Assert.Equal([1, 2, 3], Answered());
        Assert.Equal([CouponOutcome.CampaignOpened, CouponOutcome.Undecodable, CouponOutcome.Issued], Outcomes());
        var letter = DeadLetterRecord.TryDecode(Assert.Single(_log.Records(DeadLetters)))!;
        Assert.Equal((2L, "undecodable"), (letter.Offset, letter.Reason));
        Assert.Equal([1, 2, 3], letter.Payload.ToArray());
        Assert.Equal([new RecordAddress(0, 2, 0)], _deadLetters);
    }

    [Fact]
    public void Run_NewerVersion_StopsAndSaysSo()
    {
        Append(Open("sale", 5));
        var newer = Record(Claim("sale", "a"));
        newer[2] = RecordHeader.CurrentVersion + 1;
        _log.Add(Commands, newer);
        Append(Claim("sale", "b"));
        Start();

        Assert.Equal(PartitionState.Refused, Progress.State);
        Assert.Contains("newer version", Progress.Reason, StringComparison.Ordinal);
        _time.Advance(_options.RefusedBackoff);
        _pump.Run();
        Assert.DoesNotContain(Answered(), offset => offset >= 2);
    }

    [Fact]
    public void TakeOver_OtherRecordAtTheAppliedOffset_IsRefused()
    {
        Append(Open("sale", 5));
        Append(Claim("sale", "a"));
        Start();
        Stop();
        _log.Records(Commands)[2] = Record(Claim("sale", "z"));
        Restart();
        Assert.Equal(PartitionState.Refused, Progress.State);
        Assert.Contains("unclean leader election", Progress.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void TakeOver_LogEndsBelowWhatWasDecided_IsRefused()
    {
        Append(Open("sale", 5));
        Append(Claim("sale", "a"));
        Start();
        Stop();
        _log.Records(Commands).RemoveAt(2);
        Restart();
        Assert.Equal(PartitionState.Refused, Progress.State);
        Assert.Contains("acknowledged records are lost", Progress.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void TakeOver_StartOfTheLogDeleted_IsRefused()
    {
        Append(Open("sale", 5));
        _log.Start = 1;
        Start();
        Assert.Equal(PartitionState.Refused, Progress.State);
        Assert.Contains("was deleted", Progress.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void TakeOver_StateOfAnotherLog_IsRefused()
    {
        _pump.Result(_store.ResetAsync(0, new GenesisRecord(new RecordId(8), new LogId(Guid.Empty), "coupon", 0, 1, MachineTopics.KeyHash, 1), default));
        Start();
        Assert.Equal(PartitionState.Refused, Progress.State);
        Assert.Contains("another log", Progress.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void TakeOver_EventsOfAnotherLog_IsRefused()
    {
        _log.Add(Events, new EventRecord(new RecordId(1), new LogId(Guid.Empty), new RecordPosition(1, new RecordId(1)), 1, 0, default, CouponOutcomes.OfEmpty()).Encode());
        Start();
        Assert.Equal(PartitionState.Refused, Progress.State);
        Assert.Contains("answer log", Progress.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void TakeOver_EventTopicRecreated_IsRefused()
    {
        Append(Open("sale", 5));
        Start();
        Append(Claim("sale", "a"));
        _pump.Run();
        Stop();
        _log.Records(Events).Clear();
        Restart();
        Assert.Equal(PartitionState.Refused, Progress.State);
        Assert.Contains("is empty", Progress.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_StoreAway_WaitsAndGoesOn()
    {
        Append(Open("sale", 5));
        _store.IsAway = true;
        Start();
        Assert.Equal(PartitionState.Waiting, Progress.State);
        Settle();
        Assert.Equal(PartitionState.Waiting, Progress.State);
        _store.IsAway = false;
        Settle();
        Assert.Equal([1], Answered());
    }

    [Fact]
    public void Run_SecondGenesis_IsAnsweredWithoutOutcomes()
    {
        _log.Add(Commands, new GenesisRecord(new RecordId(8), new LogId(Guid.Empty), "coupon", 0, 1, MachineTopics.KeyHash, 1).Encode());
        Append(Open("sale", 5));
        Start();
        Assert.Equal([1, 2], Answered());
        Assert.Equal([CouponOutcome.CampaignOpened], Outcomes());
    }

    [Fact]
    public void Stop_WhileEventsAreNotAcknowledged_EndsAfterTheDrainTimeout()
    {
        Append(Open("sale", 5));
        _log.HoldAppends = true;
        Start();
        _stop.Cancel();
        _pump.Run();
        Assert.False(_running.IsCompleted);
        _time.Advance(_options.DrainTimeout);
        _pump.Run();
        Assert.True(_running.IsCompleted);
    }

    private PartitionProgress Progress => _partition!.Progress;

    private void Start()
    {
        _pump.Enter();
        (_partition, _running) = StartEngine(new EngineWorld(Log, _log, _store, NewAppender, _options, _time, _ids, this), _stop.Token);
        _pump.Run();
    }

    private void Stop()
    {
        _stop.Cancel();
        Settle();
    }

    /// <summary>Ends the partition without letting it tell anything more.</summary>
    private void Abandon()
    {
        _stop.Cancel();
        _time.Advance(_options.DrainTimeout);
        _pump.Run();
        _log.Held.Clear();
        _log.HoldAppends = false;
    }

    private void Restart()
    {
        Assert.True(_running.IsCompletedSuccessfully);
        _stop.Dispose();
        _stop = new CancellationTokenSource();
        Start();
    }

    private MemoryLog.Appender NewAppender()
    {
        if (_appenders.Count == 0 || _appenders[^1].IsBroken)
            _appenders.Add(_log.NewAppender());
        return _appenders[^1];
    }

    /// <summary>Lets pauses pass, some seconds in all.</summary>
    private void Settle()
    {
        for (var i = 0; i < 40; i++)
        {
            _pump.Run();
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }

        _pump.Run();
    }

    private void Append(params CouponCommand[] commands) => _log.Add(Commands, Record(commands));

    private byte[] Record(params CouponCommand[] commands)
    {
        var builder = new CouponRecordBuilder();
        foreach (var command in commands)
            Assert.True(builder.TryAdd(command, out _));
        return builder.Build(new RecordId(_ids.Next()));
    }

    private static CouponCommand Open(string campaign, int quantity) =>
        CouponCommand.Open(campaign, new CampaignSettings(quantity, 1, 0, 0, "{}"u8.ToArray()), new CampaignSeed(5), 1_000);

    private CouponCommand Claim(string campaign, string user) => CouponCommand.Claim(campaign, user, _ids.Next(), 2_000);

    private List<EventRecord> Told() => [.. _log.Records(Events).Select(e => EventRecord.Decode(e))];

    private List<long> Answered() => [.. Told().Select(e => e.Answers.Offset)];

    private List<CouponOutcome> Outcomes()
    {
        var all = new List<CouponOutcome>();
        foreach (var told in Told())
        {
            var outcomes = CouponOutcomes.Open(told.Outcomes.Span);
            while (outcomes.TryNext(out var outcome, out _))
                all.Add(outcome);
        }

        return all;
    }

    /// <summary>The in-memory store, which can be away, lose its content, its answers or the outcomes that it keeps.</summary>
    private sealed class StoreWithFaults : IStateStore
    {
        private InMemoryCouponStore _inner = new(CouponMachine.Instance);

        public bool IsAway { get; set; }

        public int LoseAnswers { get; set; }

        public bool ForgetRecent { get; set; }

        public void Empty() => _inner = new InMemoryCouponStore(CouponMachine.Instance);

        public async Task<TakeOverResult> TakeOverAsync(int partition, LogId log, ulong nonce)
        {
            ThrowIfAway();
            var found = await _inner.TakeOverAsync(partition, log, nonce);
            return ForgetRecent ? found with { Recent = new Dictionary<long, byte[]>() } : found;
        }

        public Task<FenceState> ResetAsync(int partition, GenesisRecord genesis, OwnerToken token)
        {
            ThrowIfAway();
            return _inner.ResetAsync(partition, genesis, token);
        }

        public async Task<ApplyResult> ApplyAsync(int partition, ApplyBatch batch)
        {
            ThrowIfAway();
            var result = await _inner.ApplyAsync(partition, batch);
            if (LoseAnswers-- > 0)
                throw new StoreUnavailableException("no answer in time");
            return result;
        }

        private void ThrowIfAway()
        {
            if (IsAway)
                throw new StoreUnavailableException("connection refused");
        }
    }
}
