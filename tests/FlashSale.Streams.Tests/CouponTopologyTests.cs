using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Mock;
using Streamiz.Kafka.Net.SerDes;
using Streamiz.Kafka.Net.Stream;

namespace FlashSale.Streams.Tests;

/// <summary>The topology under Streamiz's own test driver, which hands records over one by one and never lets time go on.</summary>
public sealed class CouponTopologyTests : IDisposable, IEngineObserver
{
    private static readonly LogId Log = new(new Guid("11111111-2222-3333-4444-555555555555"));
    private static readonly MachineTopics Topics = MachineTopics.Coupon;

    private readonly MemoryLog _log = new();
    private readonly ManualTime _time = new();
    private readonly TestIds _ids = new();
    private readonly EngineOptions _options = new();
    private readonly StoreThatMayBeAway _store = new();
    private readonly List<RecordAddress> _deadLetters = [];
    private readonly HandedOver _handedOver = new(1);
    private SequentialPartition? _partition;
    private TopologyTestDriver? _driver;
    private TestInputTopic<byte[], byte[]>? _input;
    private TestOutputTopic<byte[], byte[]>? _output;

    public void Dispose()
    {
        _driver?.Dispose();
        Assert.Equal(PartitionState.Stopped, _partition?.Progress.State);
        Assert.Equal(0, _log.OpenReaders);
    }

    void IEngineObserver.Changed(PartitionProgress progress)
    {
    }

    void IEngineObserver.Applied(int partition, int records, int commands)
    {
    }

    void IEngineObserver.Decided(int partition, ReadOnlyMemory<byte> told)
    {
    }

    void IEngineObserver.DeadLettered(RecordAddress address) => _deadLetters.Add(address);

    [Fact]
    public void Commands_OfOnePartition_AreAnsweredInOrder()
    {
        Start();
        Pipe(Genesis(), Record(Open(1)), Record(Claim("a"), Claim("b")), Record(Claim("a")));

        var told = Told();
        Assert.Equal([1, 2, 3], told.Select(e => e.Answers.Offset));
        Assert.Equal([1, 3, 4], told.Select(e => e.Commands));
        Assert.Equal([CouponOutcome.CampaignOpened, CouponOutcome.Issued, CouponOutcome.SoldOut, CouponOutcome.AlreadyClaimed], Outcomes(told));
        Assert.Equal((PartitionState.Running, 3L), (_partition!.Progress.State, _partition.Progress.Applied));
    }

    [Fact]
    public void Commands_DecidedAndToldBefore_AreNotAnsweredAgain()
    {
        byte[][] records = [Genesis(), Record(Open(1)), Record(Claim("a"))];
        Start();
        Pipe(records);
        foreach (var told in Told())
            _log.Add(Topics.Events, told.Encode());
        Restart();
        // A stream whose stored place is too low gets them again.
        foreach (var record in records)
            Hand(record);
        Pipe(Record(Claim("b")));

        var again = Told();
        Assert.Equal([3], again.Select(e => e.Answers.Offset));
        Assert.Equal([CouponOutcome.SoldOut], Outcomes(again));
    }

    [Fact]
    public void Commands_DecidedAndNotTold_AreToldByTheNextOwner()
    {
        byte[][] records = [Genesis(), Record(Open(1)), Record(Claim("a"))];
        Start();
        Pipe(records);
        Restart();
        Hand(records[0]);

        Assert.Equal([1, 2], Told().Select(e => e.Answers.Offset));
    }

    [Fact]
    public void StoreAway_RecordsHandedOverMeanwhile_AreDecidedLaterAndInOrder()
    {
        Start();
        _store.IsAway = true;
        Pipe(Genesis(), Record(Open(1)), Record(Claim("a")));
        Assert.Empty(Told());
        Assert.Equal((PartitionState.Waiting, "connection refused"), (_partition!.Progress.State, _partition.Progress.Reason));

        _store.IsAway = false;
        _time.Advance(_options.BackoffMax);
        Pipe(Record(Claim("b")));

        var told = Told();
        Assert.Equal([1, 2, 3], told.Select(e => e.Answers.Offset));
        Assert.Equal([CouponOutcome.CampaignOpened, CouponOutcome.Issued, CouponOutcome.SoldOut], Outcomes(told));
    }

    [Theory]
    [InlineData(64, 1)]
    [InlineData(2, 2)]
    public void Records_OfOnePoll_AreDecidedTogetherUpToTheBound(int batchRecordsMax, int calls)
    {
        _options.BatchRecordsMax = batchRecordsMax;
        Start();
        Pipe(Genesis(), Record(Open(2)));
        var before = _store.Applied;
        _handedOver.Set(0, 5);
        Pipe(Record(Claim("a")), Record(Claim("b")), Record(Claim("c")));
        Assert.Equal(before + calls - 1, _store.Applied);
        Pipe(Record(Claim("d")));

        Assert.Equal(before + calls, _store.Applied);
        Assert.Equal([CouponOutcome.CampaignOpened, CouponOutcome.Issued, CouponOutcome.Issued, CouponOutcome.SoldOut, CouponOutcome.SoldOut], Outcomes(Told()));
    }

    [Fact]
    public void Garbage_IsAnsweredAndCopiedToTheDeadLetters()
    {
        Start();
        Pipe(Genesis(), [1, 2, 3], Record(Open(1)));

        Assert.Equal([CouponOutcome.Undecodable, CouponOutcome.CampaignOpened], Outcomes(Told()));
        Assert.Equal([1, 2, 3], DeadLetterRecord.TryDecode(Assert.Single(_log.Records(Topics.DeadLetters)))!.Payload.ToArray());
        Assert.Equal([new RecordAddress(0, 1, 0)], _deadLetters);
    }

    [Fact]
    public void Topology_HasNoStoreAndNoInternalTopic()
    {
        var nodes = CouponTopology.Build(Topics, OpenPartition, _handedOver, _options.BatchRecordsMax, _time).Describe().SubTopologies.SelectMany(t => t.Nodes).ToList();
        Assert.Equal([Topics.Commands], nodes.OfType<ISourceNodeDescription>().SelectMany(n => n.Topics));
        Assert.Equal([Topics.Events], nodes.OfType<ISinkNodeDescription>().Select(n => n.Topic));
        Assert.All(nodes.OfType<IProcessorNodeDescription>(), n => Assert.Empty(n.Stores));
        Start();
        Pipe(Genesis());
    }

    private void Start()
    {
        var config = new StreamConfig { ApplicationId = "test", BootstrapServers = "none", DefaultTimestampExtractor = new AppendTime() };
        _driver = new TopologyTestDriver(CouponTopology.Build(Topics, OpenPartition, _handedOver, _options.BatchRecordsMax, _time), config);
        _input = _driver.CreateInputTopic(Topics.Commands, new ByteArraySerDes(), new ByteArraySerDes());
        _output = _driver.CreateOutputTopic(Topics.Events, TimeSpan.FromSeconds(1), new ByteArraySerDes(), new ByteArraySerDes());
    }

    private void Restart()
    {
        _driver!.Dispose();
        Start();
    }

    private SequentialPartition OpenPartition(int partition) => _partition = new SequentialPartition(
        CouponMachine.Instance, partition, Log, _log, _store, _log.NewAppender, _options, _time, _ids, this);

    /// <summary>Appends to the log and hands over.</summary>
    private void Pipe(params byte[][] records)
    {
        foreach (var record in records)
        {
            _log.Add(Topics.Commands, record);
            Hand(record);
        }
    }

    private void Hand(byte[] record) => _input!.PipeInput(null!, record);

    private List<EventRecord> Told() =>
        [.. _output!.ReadValueList().Select(e => EventRecord.Decode(e))];

    private static List<CouponOutcome> Outcomes(List<EventRecord> told)
    {
        var all = new List<CouponOutcome>();
        foreach (var record in told)
        {
            var outcomes = CouponOutcomes.Open(record.Outcomes.Span);
            while (outcomes.TryNext(out var outcome, out _))
                all.Add(outcome);
        }

        return all;
    }

    private static byte[] Genesis() => new GenesisRecord(new RecordId(7), Log, "coupon", 0, 1, MachineTopics.KeyHash, 1).Encode();

    private byte[] Record(params CouponCommand[] commands)
    {
        var builder = new CouponRecordBuilder();
        foreach (var command in commands)
            Assert.True(builder.TryAdd(command, out _));
        return builder.Build(new RecordId(_ids.Next()));
    }

    private static CouponCommand Open(int quantity) =>
        CouponCommand.Open("sale", new CampaignSettings(quantity, 1, 0, 0, "{}"u8.ToArray()), new CampaignSeed(5), 1_000);

    private CouponCommand Claim(string user) => CouponCommand.Claim("sale", user, _ids.Next(), 2_000);

    private sealed class StoreThatMayBeAway : IStateStore
    {
        private readonly InMemoryCouponStore _inner = new(CouponMachine.Instance);

        public bool IsAway { get; set; }

        public int Applied { get; private set; }

        public Task<TakeOverResult> TakeOverAsync(int partition, LogId log, ulong nonce) => Answer(() => _inner.TakeOverAsync(partition, log, nonce));

        public Task<FenceState> ResetAsync(int partition, GenesisRecord genesis, OwnerToken token) => Answer(() => _inner.ResetAsync(partition, genesis, token));

        public Task<ApplyResult> ApplyAsync(int partition, ApplyBatch batch)
        {
            Applied++;
            return Answer(() => _inner.ApplyAsync(partition, batch));
        }

        private Task<T> Answer<T>(Func<Task<T>> call) => IsAway ? throw new StoreUnavailableException("connection refused") : call();
    }
}
