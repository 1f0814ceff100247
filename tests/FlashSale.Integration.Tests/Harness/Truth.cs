using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using FlashSale.Kafka;

namespace FlashSale.Integration.Tests.Harness;

/// <summary>A decided command. For a claim: who asked, and the coupon where it won one.</summary>
internal sealed record Decided(
    RecordAddress Address, CouponCommandKind Kind, string CampaignId, string UserId, ulong ClaimId, long InstantMs, CouponOutcome Outcome, int Sequence, string? Code);

/// <summary>What the log says, by the rules in plain C#: the whole command log applied to the model, and the events that were told of it.</summary>
internal sealed class Truth
{
    private const int ReadRecordsMax = 10_000;
    private const int ReadBytesMax = 1 << 24;

    private readonly Dictionary<RecordAddress, Decided> _decided = [];
    private readonly Dictionary<string, CampaignState> _campaigns = [];

    public LogId Log { get; private set; }

    /// <summary>Every command, by address.</summary>
    public IReadOnlyDictionary<RecordAddress, Decided> Decided => _decided;

    /// <summary>Every campaign as it stands in the end.</summary>
    public IReadOnlyDictionary<string, CampaignState> Campaigns => _campaigns;

    /// <summary>The records that could not be read.</summary>
    public List<RecordAddress> Undecodable { get; } = [];

    /// <summary>By partition: the last record that can be decided (a record of a newer version ends a partition).</summary>
    public Dictionary<int, RecordPosition> Last { get; } = [];

    /// <summary>Events that were told more than once.</summary>
    public int Repeats { get; private set; }

    public IEnumerable<Decided> Issued => _decided.Values.Where(d => d.Outcome == CouponOutcome.Issued);

    /// <summary>Reads the log, and the events, for which it waits until all has been told.</summary>
    public static async Task<Truth> ReadAsync(Installation installation, TimeSpan within)
    {
        var truth = new Truth();
        await using var log = installation.OpenLog();
        for (var partition = 0; partition < installation.Partitions; partition++)
        {
            var outcomes = await truth.ApplyAsync(log, installation, partition);
            await truth.CompareEventsAsync(log, installation, partition, outcomes, within);
        }

        return truth;
    }

    /// <summary>Applies a partition's commands to the model; yields the outcomes by offset.</summary>
    private async Task<SortedDictionary<long, (RecordPosition Position, long Commands, byte[] Outcomes)>> ApplyAsync(KafkaLog log, Installation installation, int partition)
    {
        var model = new CouponModel();
        var expected = new SortedDictionary<long, (RecordPosition, long, byte[])>();
        var undecided = new List<(LogRecord Record, byte[] Outcomes)>();
        var bounds = await log.BoundsAsync(installation.Topics.Commands, partition, CancellationToken.None);
        var commands = 0L;
        await foreach (var record in RecordsAsync(log, installation.Topics.Commands, partition, bounds.End))
        {
            var info = CouponMachine.Instance.Inspect(record.Value.Span);
            if (info.State == CommandRecordState.NewerVersion)
                break;
            Last[partition] = new RecordPosition(record.Offset, info.Id);
            if (record.Offset == 0)
            {
                Log = GenesisRecord.TryDecode(record.Value.Span)?.Log ?? throw new InvalidOperationException($"partition {partition} does not begin with a genesis record");
                continue;
            }

            var outcomes = model.Apply(record.Offset, info, record.Value.Span);
            commands += info.Commands;
            expected.Add(record.Offset, (new RecordPosition(record.Offset, info.Id), commands, outcomes));
            if (info.State == CommandRecordState.Readable)
                undecided.Add((record, outcomes));
            else if (info.State == CommandRecordState.Undecodable)
                Undecodable.Add(new RecordAddress(partition, record.Offset, 0));
        }

        foreach (var campaign in model.Campaigns)
            _campaigns.Add(campaign.CampaignId, campaign.State);
        var codes = new CouponCodes();
        foreach (var (record, outcomes) in undecided)
            Note(partition, record, outcomes, codes);
        return expected;
    }

    private void Note(int partition, LogRecord record, byte[] outcomes, CouponCodes codes)
    {
        var commands = CouponRecord.Open(record.Value.Span);
        var results = CouponOutcomes.Open(outcomes);
        for (var index = 0; commands.TryNext(out var command); index++)
        {
            if (!results.TryNext(out var outcome, out var sequence))
                throw new InvalidOperationException($"the model has too few outcomes for {partition}:{record.Offset}");
            var campaignId = commands.Campaigns[command.Campaign];
            var address = new RecordAddress(partition, record.Offset, index);
            _decided.Add(address, new Decided(address, command.Kind, campaignId, Encoding.ASCII.GetString(command.User), command.ClaimId, command.InstantMs,
                outcome, sequence, outcome.IsIssued() ? codes.Of(partition, campaignId, _campaigns[campaignId], sequence) : null));
        }
    }

    /// <summary>Every command record must be answered, in order, with the model's outcomes; a repeat must say the same again.</summary>
    private async Task CompareEventsAsync(
        KafkaLog log, Installation installation, int partition, SortedDictionary<long, (RecordPosition Position, long Commands, byte[] Outcomes)> expected, TimeSpan within)
    {
        var last = Last[partition].Offset;
        var mark = 0L;
        var end = 0L;
        if (last == 0)
            return;
        await Wait.UntilAsync($"all of partition {partition} is told", within, async () =>
        {
            var bounds = await log.BoundsAsync(installation.Topics.Events, partition, CancellationToken.None);
            await foreach (var record in RecordsAsync(log, installation.Topics.Events, partition, bounds.End, end))
            {
                end = record.Offset + 1;
                var told = EventRecord.Decode(record.Value);
                Assert.Equal(Log, told.Log);
                Assert.True(told.Answers.Offset <= mark + 1, $"partition {partition}: an event answers {told.Answers.Offset} after {mark}");
                var (position, commands, outcomes) = expected[told.Answers.Offset];
                Assert.Equal(position, told.Answers);
                Assert.Equal(commands, told.Commands);
                Assert.True(outcomes.AsSpan().SequenceEqual(told.Outcomes.Span), $"the event of {partition}:{told.Answers.Offset} does not say what the model decides");
                if (told.Answers.Offset <= mark)
                    Repeats++;
                mark = Math.Max(mark, told.Answers.Offset);
            }

            return mark == last ? null : $"{mark} of {last} is";
        });
    }

    internal static async IAsyncEnumerable<LogRecord> RecordsAsync(KafkaLog log, string topic, int partition, long end, long from = 0)
    {
        if (from >= end)
            yield break;
        await using var reader = log.Read(topic, partition, from);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            foreach (var record in await reader.ReadAsync(ReadRecordsMax, ReadBytesMax, timeout.Token))
            {
                yield return record;
                if (record.Offset == end - 1)
                    yield break;
            }
        }
    }
}
