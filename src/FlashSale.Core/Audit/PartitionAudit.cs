using System.Runtime.InteropServices;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>What the log is compared with; what is null is left out.</summary>
/// <param name="Events">Whether to compare the events.</param>
public sealed record AuditSources(bool Events, IStateSource? State = null, ILedgerSource? Ledger = null, ToldClaims? Told = null);

/// <summary>How to audit.</summary>
/// <param name="HashedCampaign">The campaign whose outcomes are to be hashed.</param>
/// <param name="ThroughMax">The last offset to go to; by default the end.</param>
/// <param name="SettledWithin">The sale is at rest: what still lags behind after so long is a difference (I9). Null: it may go on.</param>
public sealed record AuditSettings(string? HashedCampaign = null, long ThroughMax = long.MaxValue, TimeSpan? SettledWithin = null);

/// <summary>
/// Audits one partition: applies its commands to the model and compares everything that others say of them, in one pass. A sale may go
/// on meanwhile: the state and the ledger are asked first how far they are, then the ends of events and commands are taken, in this
/// order, so that each is behind the next; what comes later is not looked at.
/// </summary>
public sealed class PartitionAudit(
    int partition, MachineTopics topics, ILog log, AuditSources sources, AuditSettings settings, Differences differences, AuditProgress progress) : IDisposable
{
    private static readonly TimeSpan SettlePause = TimeSpan.FromMilliseconds(100);

    private readonly CouponModel _model = new();
    private readonly Dictionary<string, CampaignTally> _tallies = [];
    private readonly List<string> _notCompared = [];
    private InvariantCheck? _invariants;
    private EventCompare? _events;
    private StateCompare? _state;
    private LedgerCompare? _ledger;
    private ToldCompare? _told;
    private long _commands;
    private long _untold;

    /// <exception cref="LogRefusedException">The log, or what is compared with it, is not what it must be to be compared.</exception>
    /// <exception cref="LogUnavailableException">The log does not answer.</exception>
    /// <exception cref="StoreUnavailableException">The state does not answer.</exception>
    /// <exception cref="Ledger.LedgerUnavailableException">The ledger does not answer.</exception>
    public async Task<PartitionReport> RunAsync(CancellationToken cancel)
    {
        var genesis = await ReadGenesisAsync(log, topics, partition, cancel);
        if (sources.Told is { Log: { IsNone: false } told } && told != genesis.Log)
            throw new LogRefusedException($"the record of what was told is of log {told}, the topics hold log {genesis.Log}: this is another cluster's, or the topics were created anew");
        await BeginAsync(genesis.Log, cancel);
        _told = sources.Told is null ? null : new ToldCompare(partition, sources.Told, differences);
        _invariants = new InvariantCheck(_model, differences);
        var eventsEnd = (await log.BoundsAsync(topics.Events, partition, cancel)).End;
        var end = Math.Min((await log.BoundsAsync(topics.Commands, partition, cancel)).End, settings.ThroughMax + (settings.ThroughMax < long.MaxValue ? 1 : 0));
        progress.Begin(end);
        await using var events = new TopicCursor(log, topics.Events, partition, sources.Events ? eventsEnd : 0);
        _events = sources.Events ? new EventCompare(genesis.Log, partition, events, differences) : null;
        await using var commands = new TopicCursor(log, topics.Commands, partition, end);
        var through = await ReplayAsync(commands, cancel);
        await EndAsync(genesis, through.Offset, eventsEnd, cancel);
        return Report(genesis, through);
    }

    public void Dispose()
    {
        _ledger?.Dispose();
        _told?.Dispose();
        foreach (var tally in _tallies.Values)
            tally.Hash?.Dispose();
    }

    /// <summary>The genesis record of a partition.</summary>
    /// <exception cref="LogRefusedException">There is none, or it is not of this machine and partition.</exception>
    public static async Task<GenesisRecord> ReadGenesisAsync(ILog log, MachineTopics topics, int partition, CancellationToken cancel)
    {
        var bounds = await log.BoundsAsync(topics.Commands, partition, cancel);
        if (bounds.End == 0)
            throw new LogRefusedException($"{topics.Commands} [{partition}] is empty: there is nothing to audit");
        if (bounds.Start > 0)
            throw new LogRefusedException($"the start of {topics.Commands} [{partition}] was deleted (first offset {bounds.Start}): what was decided cannot be replayed any more. Restore the log");
        await using var cursor = new TopicCursor(log, topics.Commands, partition, 1);
        await cursor.FillAsync(cancel);
        var first = cursor.Current!.Value.Value;
        if (GenesisRecord.IsOfNewerVersion(first.Span))
            throw new LogRefusedException($"{topics.Commands} [{partition}] begins with a record of a newer version than this build reads: update this program");
        var genesis = GenesisRecord.TryDecode(first.Span)
            ?? throw new LogRefusedException($"{topics.Commands} [{partition}] does not begin with a genesis record: it was not created by FlashSale");
        if (genesis.Machine != topics.Machine || genesis.Partition != partition)
            throw new LogRefusedException($"{topics.Commands} [{partition}] begins with the genesis record of {genesis.Machine} [{genesis.Partition}]: the topics were mixed up");
        return genesis.Rules <= GenesisRecord.RulesCurrent
            ? genesis
            : throw new LogRefusedException($"{topics.Commands} is decided by rules version {genesis.Rules}, this build knows up to {GenesisRecord.RulesCurrent}: update this program");
    }

    /// <summary>Asks state and ledger how far they are; where the sale is at rest, until they are at the end or it has taken too long.</summary>
    private async Task BeginAsync(LogId logId, CancellationToken cancel)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            _notCompared.Clear();
            await BeginStateAsync(logId);
            await BeginLedgerAsync(logId, cancel);
            if (settings.SettledWithin is not { } within || TimeProvider.System.GetElapsedTime(start) >= within)
                return;
            var last = (await log.BoundsAsync(topics.Commands, partition, cancel)).End - 1;
            if ((_state?.Applied.Offset ?? last) >= last && (_ledger?.Written ?? last) >= last)
                return;
            await Task.Delay(SettlePause, cancel);
        }
    }

    private async Task BeginStateAsync(LogId logId)
    {
        if (sources.State is null)
            return;
        var cut = await sources.State.ReadCutAsync(partition, logId);
        if (cut.State == FenceState.OtherLog)
            throw new LogRefusedException($"the state of partition {partition} is of another log than the topics ({logId}): this is another cluster's Redis, or the topics were created anew");
        if (cut.State == FenceState.Held)
            _state = new StateCompare(logId, partition, cut, sources.State, differences);
        else
            _notCompared.Add($"the state of partition {partition}: it is {(cut.State == FenceState.Torn ? "torn" : "missing, or a part of it is")} (rebuilt by whoever takes the partition over)");
    }

    private async Task BeginLedgerAsync(LogId logId, CancellationToken cancel)
    {
        if (sources.Ledger is null)
            return;
        var cut = await sources.Ledger.ReadCutAsync(partition, cancel);
        if (cut is not null && cut.Mark.Log != logId)
            throw new LogRefusedException($"the ledger of partition {partition} was written from log {cut.Mark.Log}, the topics hold log {logId}: this is another cluster's database, or the topics were created anew");
        _ledger?.Dispose();
        _ledger = new LedgerCompare(partition, cut, sources.Ledger, differences);
    }

    private async Task<RecordPosition> ReplayAsync(TopicCursor commands, CancellationToken cancel)
    {
        var last = default(RecordPosition);
        for (; ; commands.Advance())
        {
            if (commands.IsToBeFilled)
                await commands.FillAsync(cancel);
            if (commands.Current is not { } record)
                return last;
            if (record.Offset > 0 && record.Offset != last.Offset + 1)
                throw new LogRefusedException($"{topics.Commands} [{partition}] goes on at offset {record.Offset} after {last.Offset}: records are missing");
            var info = CouponRecord.Inspect(record.Value.Span);
            if (info.State == CommandRecordState.NewerVersion)
                throw new LogRefusedException($"the record at {partition}:{record.Offset} is of a newer version than this build reads: update this program");
            last = new RecordPosition(record.Offset, info.Id);
            var outcomes = CouponOutcomes.OfEmpty();
            if (record.Offset > 0)
            {
                outcomes = _model.Apply(record.Offset, info, record.Value.Span);
                _commands += info.Commands;
                await CompareAsync(record, info, outcomes, cancel);
            }

            _state?.Record(last, _commands, outcomes, _model);
            _ledger?.Record(last, _model, _tallies.Values);
            progress.Done(record.Offset > 0 ? info.Commands : 0);
        }
    }

    private async ValueTask CompareAsync(LogRecord record, CommandRecordInfo info, byte[] outcomes, CancellationToken cancel)
    {
        var told = _events is null ? null : await _events.CompareAsync(record, info, _commands, outcomes, cancel);
        if (_events is not null && _events.Answered < record.Offset)
            _untold++;
        else
            _untold = 0;
        if (_ledger is not null && info.State == CommandRecordState.Readable)
            await _ledger.FillAsync(record, _model, cancel);
        if (info.State == CommandRecordState.Readable)
            Walk(record, outcomes, told ?? outcomes);
        else if (info.State == CommandRecordState.Undecodable)
            TallyOf("").Count(CouponOutcome.Undecodable);
    }

    /// <summary>Goes through the commands of a record once, for all that looks at single commands.</summary>
    private void Walk(LogRecord record, byte[] outcomes, ReadOnlyMemory<byte> told)
    {
        var commands = CouponRecord.Open(record.Value.Span);
        var decided = CouponOutcomes.Open(outcomes);
        var answers = OpenTold(told, outcomes);
        var names = commands.Campaigns;
        var tallies = new CampaignTally[names.Length];
        var campaigns = new CampaignModel?[names.Length];
        for (var i = 0; i < names.Length; i++)
            (tallies[i], campaigns[i]) = (TallyOf(names[i]), _model.Find(names[i]));
        var sales = _invariants!.Open(names);
        for (var index = 0; commands.TryNext(out var command); index++)
        {
            var address = new RecordAddress(partition, record.Offset, index);
            decided.TryNext(out var outcome, out var sequence);
            if (TryNext(ref answers, out var answer))
                _invariants.Command(address, sales[command.Campaign], command, answer);
            var tally = tallies[command.Campaign];
            tally.Hash?.Add(address, command, outcome, sequence);
            if (command.Kind == CouponCommandKind.Claim)
                tally.Claim(address, command.InstantMs, outcome);
            if (outcome == CouponOutcome.Issued)
                _ledger?.Issued(address, campaigns[command.Campaign]!, command, sequence);
            _told?.Command(address, campaigns[command.Campaign], names[command.Campaign], command, outcome, sequence);
        }
    }

    // Outcomes that cannot be read have been reported; the invariants are then those of the model's.
    private static CouponOutcomes OpenTold(ReadOnlyMemory<byte> told, byte[] outcomes)
    {
        try
        {
            return CouponOutcomes.Open(told.Span);
        }
        catch (LogRefusedException)
        {
            return CouponOutcomes.Open(outcomes);
        }
    }

    private static bool TryNext(ref CouponOutcomes answers, out CouponOutcome answer)
    {
        try
        {
            return answers.TryNext(out answer, out _);
        }
        catch (LogRefusedException)
        {
            answer = CouponOutcome.None;
            return false;
        }
    }

    private CampaignTally TallyOf(string campaignId)
    {
        ref var tally = ref CollectionsMarshal.GetValueRefOrAddDefault(_tallies, campaignId, out _);
        return tally ??= new CampaignTally(campaignId) { Hash = campaignId == settings.HashedCampaign ? new OutcomeHash() : null };
    }

    private async Task EndAsync(GenesisRecord genesis, long through, long eventsEnd, CancellationToken cancel)
    {
        if (_events is not null)
            await _events.EndAsync(through, cancel);
        var answered = _events?.Answered ?? long.MaxValue;
        if (_ledger is not null)
            await _ledger.EndAsync(through, answered, eventsEnd, cancel);
        _told?.End(genesis.Partitions, _invariants!);
        if (_state is not null)
            await EndStateAsync(through, answered, cancel);
        if (settings.SettledWithin is null)
            return;
        Settled("events", _untold);
        Settled("redis", through - _state?.Applied.Offset);
        Settled("ledger", through - _ledger?.Written);
    }

    private async Task EndStateAsync(long through, long answered, CancellationToken cancel)
    {
        try
        {
            await _state!.EndAsync(through, answered, _model, cancel);
        }
        catch (StoreUnavailableException e)
        {
            _notCompared.Add($"the coupons in the state of partition {partition}: {e.Message}");
        }
    }

    private void Settled(string source, long? lag)
    {
        if (lag > 0)
            differences.Add(Invariant.I9, source, $"{partition}", "records that lag behind the log", 0, lag);
    }

    private PartitionReport Report(GenesisRecord genesis, RecordPosition through) => new(
        genesis, through, through.Offset + 1, _commands, _events?.Events ?? 0, _events?.Repeats ?? 0, _ledger?.Rows ?? 0,
        _untold, through.Offset - _state?.Applied.Offset, through.Offset - _ledger?.Written, _notCompared,
        [.. _model.Campaigns.Select(c => CampaignReport.Of(partition, c, _tallies.GetValueOrDefault(c.CampaignId)))]);
}
