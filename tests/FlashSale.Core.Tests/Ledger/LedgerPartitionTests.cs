using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Ledger;

/// <summary>Everything runs on the test's thread: a step is complete when the call that caused it returns.</summary>
public sealed class LedgerPartitionTests : IDisposable, ILedgerObserver
{
    private const int Partition = 3;

    private readonly ManualTime _time = new();
    private readonly FakeLog _log = new();
    private readonly FakeLedger _ledger = new();
    private readonly CouponEvents _events = new();
    private readonly LedgerOptions _options = new();
    private readonly CancellationTokenSource _cancel = new();
    private readonly List<string> _seen = [];
    private readonly SynchronizationContext? _context = SynchronizationContext.Current;
    private LedgerPartition? _partition;
    private Task _running = Task.CompletedTask;

    public LedgerPartitionTests() => SynchronizationContext.SetSynchronizationContext(null);

    private LedgerProgress Progress => _partition!.Progress;

    public void Dispose()
    {
        _cancel.Cancel();
        Assert.True(HasEnded(_running));
        Assert.Equal(0, _log.OpenReaders);
        _cancel.Dispose();
        SynchronizationContext.SetSynchronizationContext(_context);
    }

    void ILedgerObserver.DatabaseAway(int partition, Exception error) => _seen.Add($"database away: {error.Message}");

    void ILedgerObserver.DatabaseBack(int partition, int failures) => _seen.Add($"database back after {failures}");

    void ILedgerObserver.LogAway(int partition, Exception error) => _seen.Add($"log away: {error.Message}");

    void ILedgerObserver.LogBack(int partition, int failures) => _seen.Add($"log back after {failures}");

    [Fact]
    public void Run_FirstEvents_AreWrittenAtOnceWithCodesCampaignsAndCounts()
    {
        _log.Append(_events.Next(
            [CouponEvents.Open("sale", 2, """{"name":"Grüße"}"""), .. Claims("sale", "a", "b", "b", "c"), _events.Claim("other", "d")]));
        Start();

        var batch = Assert.Single(_ledger.Batches);
        Assert.Equal(Partition, batch.Partition);
        Assert.Equal(["a", "b"], batch.Coupons.Select(c => c.UserId));
        using var codes = new CouponCode(CouponEvents.Seed);
        Assert.Equal(
            new LedgerCoupon(new RecordAddress(Partition, 1, 2), "sale", "b", codes.Encode(Partition, 0, 1), 1, 2, 2_000), batch.Coupons[1]);
        Assert.Equal(
            [
                new LedgerRefusalCount("sale", CouponOutcome.AlreadyClaimed, 1),
                new LedgerRefusalCount("sale", CouponOutcome.SoldOut, 1),
                new LedgerRefusalCount("other", CouponOutcome.CampaignUnknown, 1),
            ],
            batch.RefusalCounts);
        Assert.Empty(batch.Refusals);
        var campaign = Assert.Single(batch.Campaigns);
        Assert.Equal(("sale", 2, """{"name":"Grüße"}"""), (campaign.CampaignId, campaign.State.Issued, campaign.Description));
        Assert.Equal(new LedgerMark(CouponEvents.Log, new RecordPosition(1, CouponEvents.RecordAt(1)), 1), batch.After);
        Assert.Equal((LedgerPartitionState.Running, 6L, 2L, 3L, 1L), (Progress.State, Progress.Commands, Progress.Coupons, Progress.Refusals, Progress.Records));
    }

    [Fact]
    public void Run_ClaimWonBefore_IsCountedButNoSecondCoupon()
    {
        var claim = _events.Claim("sale", "a");
        _log.Append(_events.Next(CouponEvents.Open("sale", 10), claim, claim), _events.Next(claim));
        Start();
        Assert.Single(_ledger.Coupons);
        Assert.Equal([new LedgerRefusalCount("sale", CouponOutcome.IssuedBefore, 2)], Assert.Single(_ledger.Batches).RefusalCounts);
    }

    [Fact]
    public void Run_RecordsWithoutCommands_MoveTheMark()
    {
        _log.Append(_events.NextUndecodable(), _events.NextEmpty(), _events.NextUndecodable());
        Start();
        Assert.Equal([new LedgerRefusalCount("", CouponOutcome.Undecodable, 2)], Assert.Single(_ledger.Batches).RefusalCounts);
        Assert.Equal(3, _ledger.Mark!.Written.Offset);
    }

    [Fact]
    public void Run_CampaignChanged_KeepsTheLastDescriptionThatTookEffect()
    {
        _log.Append(
            _events.Next(CouponEvents.Open("sale", 10, "first"), CouponEvents.Change("sale", 20, "second")),
            _events.Next(_events.Claim("sale", "a"), CouponEvents.Change("sale", 20, "second")));
        Start();
        var campaign = Assert.Single(Assert.Single(_ledger.Batches).Campaigns);
        Assert.Equal(("second", 20, 1), (campaign.Description, campaign.State.Quantity, campaign.State.Issued));

        _log.Append(_events.Next(CouponCommand.Close("sale", 1)));
        Pace();
        campaign = Assert.Single(_ledger.Batches[^1].Campaigns);
        Assert.Null(campaign.Description);
        Assert.True(campaign.State.IsClosed);
    }

    [Fact]
    public void Run_EveryRefusal_WritesThemWithTheirAddresses()
    {
        _options.EveryRefusal = true;
        _log.Append(_events.Next(CouponEvents.Open("sale", 1), _events.Claim("sale", "a"), _events.Claim("sale", "b"), _events.Claim("none", "c")));
        Start();
        Assert.Equal(
            [
                new LedgerRefusal(new RecordAddress(Partition, 1, 2), "sale", "b", CouponOutcome.SoldOut, 2_000),
                new LedgerRefusal(new RecordAddress(Partition, 1, 3), "none", "c", CouponOutcome.CampaignUnknown, 2_000),
            ],
            Assert.Single(_ledger.Batches).Refusals);
    }

    [Fact]
    public void Run_EventsWhilePausing_GoIntoOneBatch()
    {
        _log.Append(_events.Next(CouponEvents.Open("sale", 100)));
        Start();
        for (var i = 0; i < 5; i++)
            _log.Append(_events.Next(_events.Claim("sale", $"u{i}")));
        Assert.Single(_ledger.Batches);
        Pace();
        Assert.Equal([1, 6], _ledger.Batches.Select(b => b.After.Written.Offset));
    }

    [Fact]
    public void Run_MoreRowsThanABatchTakes_AreSplitBetweenRecords()
    {
        _options.RowsMax = 10;
        _log.Append(_events.Next(CouponEvents.Open("sale", 100)));
        for (var i = 0; i < 5; i++)
            _log.Append(_events.Next(_events.Claims("sale", 6)));
        Start();
        Assert.Equal([3, 5, 6], _ledger.Batches.Select(b => b.After.Written.Offset));
        Assert.Equal(30, _ledger.Coupons.Count());
    }

    [Fact]
    public void Run_MoreRecordsThanABatchTakes_AreReadOnWithoutAPause()
    {
        _options.RecordsMax = 4;
        _log.Append(_events.Next(CouponEvents.Open("sale", 100)));
        for (var i = 0; i < 10; i++)
            _log.Append(_events.Next(_events.Claim("sale", $"u{i}")));
        Start();
        Assert.Equal([4, 8, 11], _ledger.Batches.Select(b => b.After.Written.Offset));
    }

    [Fact]
    public void Run_EventsToldTwice_ChangeNothing()
    {
        var first = _events.Next(CouponEvents.Open("sale", 100), _events.Claim("sale", "a"));
        var second = _events.Next(_events.Claim("sale", "b"));
        _log.Append(first, first, second, first, second);
        Start();
        Assert.Equal(["a", "b"], _ledger.Coupons.Select(c => c.UserId));
        Assert.Equal(3, Progress.Repeats);
        _log.Append(second);
        Pace();
        Assert.Single(_ledger.Batches);
        Assert.Equal(6, Progress.EventOffset);
    }

    [Fact]
    public void Run_MarkThere_GoesOnBehindIt()
    {
        _log.Append(_events.Next(CouponEvents.Open("sale", 100)), _events.Next(_events.Claim("sale", "a")), _events.Next(_events.Claim("sale", "b")));
        _ledger.Mark = Mark(2, eventOffset: 1);
        Start();
        Assert.Equal([1], _log.ReadsFrom);
        Assert.Equal(["b"], _ledger.Coupons.Select(c => c.UserId));
    }

    [Fact]
    public void Run_StoppedAndStartedAgain_WritesEachCouponOnce()
    {
        _log.Append(_events.Next([CouponEvents.Open("sale", 100), .. _events.Claims("sale", 5)]));
        Start();
        _cancel.Cancel();
        Assert.True(HasEnded(_running) && _running.IsCompletedSuccessfully);
        Assert.Equal(LedgerPartitionState.Stopped, Progress.State);

        _log.Append(_events.Next(_events.Claims("sale", 5)));
        using var cancel = new CancellationTokenSource();
        var again = new LedgerPartition(Partition, CouponEvents.Log, MachineTopics.Coupon, _log, _ledger, _options, this, _time).RunAsync(cancel.Token);
        Assert.Equal(Enumerable.Range(0, 10), _ledger.Coupons.Select(c => c.Sequence));
        cancel.Cancel();
        Assert.True(HasEnded(again) && again.IsCompletedSuccessfully);
    }

    [Fact]
    public void Run_Gap_IsRefused()
    {
        _log.Append(_events.Next(CouponEvents.Open("sale", 100)));
        _events.Next(_events.Claim("sale", "lost"));
        _log.Append(_events.Next(_events.Claim("sale", "b")));
        AssertRefused("answers command offset 3, but the one after 1 is due");
        Assert.Empty(_ledger.Batches);
    }

    [Fact]
    public void Run_EventOfAnotherLog_IsRefused()
    {
        _log.Append(_events.Event(1, default, CouponOutcomes.OfEmpty(), log: new LogId(Guid.Parse("11111111111111111111111111111111"))));
        AssertRefused("answers log 11111111111111111111111111111111");
    }

    [Fact]
    public void Run_LedgerOfAnotherLog_IsRefused()
    {
        _ledger.Mark = new LedgerMark(new LogId(Guid.Parse("11111111111111111111111111111111")), default, 0);
        AssertRefused("was written from log 11111111111111111111111111111111");
    }

    [Fact]
    public void Run_AnotherRecordAtTheMark_IsRefused()
    {
        _log.Append(_events.NextEmpty(), _events.Event(2, default, CouponOutcomes.OfEmpty(), record: new RecordId(7)));
        _ledger.Mark = Mark(2, eventOffset: 1);
        AssertRefused("the log lost records");
    }

    [Fact]
    public void Run_LogEndsBelowTheMark_IsRefused()
    {
        _log.Append(_events.NextEmpty());
        _ledger.Mark = Mark(2, eventOffset: 2);
        AssertRefused("ends at 1, but the ledger has read up to 2");
    }

    [Fact]
    public void Run_EventsDeleted_IsRefused()
    {
        _log.Append(_events.NextEmpty(), _events.NextEmpty());
        _log.Start = 1;
        AssertRefused("begins at 1, but the ledger needs it from 0");
    }

    [Fact]
    public void Run_OutcomesThatDoNotFit_AreRefused()
    {
        var builder = new CouponRecordBuilder();
        builder.TryAdd(_events.Claim("sale", "a"), out _);
        var record = builder.Build(CouponEvents.RecordAt(1));
        _log.Append(_events.Event(1, record, CouponOutcomes.OfEmpty()));
        AssertRefused("do not fit its commands");
    }

    [Fact]
    public void Run_AnswerOfTheCommitLost_IsNotWrittenTwice()
    {
        _ledger.LosesAnswer = true;
        _log.Append(_events.Next(CouponEvents.Open("sale", 100), _events.Claim("sale", "a")));
        Start();
        Assert.Equal(LedgerPartitionState.DatabaseAway, Progress.State);
        _log.Append(_events.Next(_events.Claim("sale", "b")));
        _time.Advance(_options.BackoffMin);

        Assert.Equal(["a", "b"], _ledger.Coupons.Select(c => c.UserId));
        Assert.Equal(["database away: connection lost", "database back after 1"], _seen);
        Assert.Equal(LedgerPartitionState.Running, Progress.State);
    }

    [Fact]
    public void Run_DatabaseAwayAtStart_TriesForEverWithLongerPausesUpToTheBound()
    {
        _ledger.IsAway = true;
        _log.Append(_events.Next(CouponEvents.Open("sale", 100), _events.Claim("sale", "a")));
        Start();
        var pauses = new List<double>();
        for (var i = 0; i < 9; i++)
        {
            pauses.Add(_time.NextDue!.Value.TotalMilliseconds);
            _time.Advance(_time.NextDue.Value);
        }

        Assert.Equal([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000], pauses);
        Assert.Equal(["database away: nobody listens"], _seen);
        Assert.Equal((LedgerPartitionState.DatabaseAway, "nobody listens", 10L), (Progress.State, Progress.Detail, Progress.DatabaseFailures));
        Assert.Empty(_log.ReadsFrom);

        _ledger.IsAway = false;
        _time.Advance(_options.BackoffMax);
        Assert.Single(_ledger.Coupons);
        Assert.Equal("database back after 10", _seen[^1]);
    }

    [Fact]
    public void Run_DatabaseAwayDuringTheSale_CatchesUpAfterwards()
    {
        _log.Append(_events.Next(CouponEvents.Open("sale", 1_000)));
        Start();
        _ledger.IsAway = true;
        for (var i = 0; i < 20; i++)
        {
            _log.Append(_events.Next(_events.Claims("sale", 10)));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Empty(_ledger.Coupons);
        _ledger.IsAway = false;
        _time.Advance(_options.BackoffMax);
        Assert.Equal(Enumerable.Range(0, 200), _ledger.Coupons.Select(c => c.Sequence));
        Assert.Equal(2, _seen.Count);
        Assert.Equal((LedgerPartitionState.Running, null), (Progress.State, Progress.Detail));
    }

    [Fact]
    public void Run_WritesFailThoughReadsSucceed_IsReportedOnce()
    {
        _log.Append(_events.Next(CouponEvents.Open("sale", 100)));
        _ledger.GivesUp = true;
        Start();
        for (var i = 0; i < 4; i++)
        {
            _ledger.GivesUp = true;
            _time.Advance(_time.NextDue!.Value);
        }

        Assert.Equal(["database away: deadlock"], _seen);
        _time.Advance(_options.BackoffMax);
        Assert.Equal(["database away: deadlock", "database back after 5"], _seen);
        Assert.Single(_ledger.Batches);
    }

    [Fact]
    public void Run_SomebodyElseWrites_GoesOnBehindTheirMark()
    {
        _log.Append(_events.Next(CouponEvents.Open("sale", 100), _events.Claim("sale", "a")), _events.Next(_events.Claim("sale", "b")));
        _ledger.Before = () => _ledger.Mark = Mark(2, eventOffset: 2);
        Start();
        Assert.Empty(_ledger.Batches);
        _log.Append(_events.Next(_events.Claim("sale", "c")));
        _time.Advance(_options.BackoffMin);
        Assert.Equal(["c"], _ledger.Coupons.Select(c => c.UserId));
        Assert.Equal(1, Progress.Overtaken);
        Assert.Empty(_seen);
    }

    [Fact]
    public void Run_LogAwayAndBack_ReopensWhereItStood()
    {
        _log.Append(_events.Next(CouponEvents.Open("sale", 100)));
        Start();
        _time.Advance(_options.GatherTime);
        _log.IsAway = true;
        _log.Wake();
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(LedgerPartitionState.LogAway, Progress.State);
        Assert.Equal(["log away: no broker"], _seen);

        _log.IsAway = false;
        _log.Append(_events.Next(_events.Claim("sale", "a")));
        _time.Advance(_options.BackoffMax);
        Assert.Equal([0, 1], _log.ReadsFrom);
        Assert.Single(_ledger.Coupons);
        Assert.Equal(2, _seen.Count);
        Assert.StartsWith("log back after", _seen[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Run_LogBackWithNothingNew_SaysSo()
    {
        _log.IsAway = true;
        Start();
        _log.IsAway = false;
        _time.Advance(_options.BackoffMin);
        Assert.Equal(["log away: no broker", "log back after 1"], _seen);
        Assert.Equal(LedgerPartitionState.Running, Progress.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Run_CancelledWhileAway_Ends(bool isDatabase)
    {
        _ledger.IsAway = isDatabase;
        _log.IsAway = !isDatabase;
        Start();
        _cancel.Cancel();
        Assert.True(HasEnded(_running) && _running.IsCompletedSuccessfully);
        Assert.Equal(LedgerPartitionState.Stopped, Progress.State);
    }

    [Fact]
    public void Run_ManyCampaigns_CodesStayRight()
    {
        var campaigns = Enumerable.Range(0, 600).Select(i => $"c{i}").ToList();
        _log.Append(_events.Next(campaigns.Select(c => CouponEvents.Open(c, 5))));
        for (var round = 0; round < 2; round++)
            _log.Append(_events.Next(campaigns.Select(c => _events.Claim(c, $"u{round}"))));
        Start();
        using var codes = new CouponCode(CouponEvents.Seed);
        Assert.All(_ledger.Coupons, c => Assert.Equal(codes.Encode(Partition, int.Parse(c.CampaignId.AsSpan(1)), c.Sequence), c.CouponCode));
        Assert.Equal(1_200, _ledger.Coupons.Count());
    }

    /// <summary>A cancelled delay is continued on the thread pool, the one thing that is not done when the call returns.</summary>
    private static bool HasEnded(Task running) => SpinWait.SpinUntil(() => running.IsCompleted, TimeSpan.FromSeconds(10));

    private static LedgerMark Mark(long offset, long eventOffset) =>
        new(CouponEvents.Log, new RecordPosition(offset, CouponEvents.RecordAt(offset)), eventOffset);

    private List<CouponCommand> Claims(string campaign, params string[] users) => [.. users.Select(u => _events.Claim(campaign, u))];

    private void Start()
    {
        _partition = new LedgerPartition(Partition, CouponEvents.Log, MachineTopics.Coupon, _log, _ledger, _options, this, _time);
        _running = _partition.RunAsync(_cancel.Token);
    }

    private void Pace() => _time.Advance(_options.GatherTime);

    private void AssertRefused(string reason)
    {
        Start();
        Assert.True(_running.IsFaulted);
        var refused = Assert.IsType<LogRefusedException>(_running.Exception!.InnerException);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.Equal((LedgerPartitionState.Refused, refused.Message), (Progress.State, Progress.Detail));
    }
}
