using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>
/// Compares the events of a partition with what the model decides: every record answered, in order, with the same outcomes; a
/// repeat must say the same again.
/// </summary>
internal sealed class EventCompare(LogId log, int partition, TopicCursor events, Differences differences)
{
    private const string Source = "events";

    // Repeats come from takeovers and paused owners, at most some hundred records late. Half a megabyte remembers so many.
    private const int RememberedMax = 1 << 16;

    private readonly ulong[] _remembered = new ulong[RememberedMax];
    private EventRecord? _current;

    /// <summary>Events read.</summary>
    public long Events { get; private set; }

    public long Repeats { get; private set; }

    /// <summary>The highest offset answered (0: none).</summary>
    public long Answered { get; private set; }

    /// <summary>Finds the event that answers a record; yields its outcomes, or null where it is missing or not told yet.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> CompareAsync(LogRecord command, CommandRecordInfo info, long commands, ReadOnlyMemory<byte> outcomes, CancellationToken cancel)
    {
        _remembered[command.Offset % RememberedMax] = MachineTopics.Fnv1A(outcomes.Span);
        while (await NextAsync(cancel) is { } told)
        {
            if (told.Answers.Offset > command.Offset)
            {
                Add(Invariant.I3, command.Offset, "the record has no event", $"an event with {info.Commands} outcomes", $"the next event answers offset {told.Answers.Offset}");
                Forget(command.Offset);
                return null;
            }

            _current = null;
            if (told.Answers.Offset < command.Offset)
            {
                CompareRepeat(told, command.Offset);
                continue;
            }

            Answered = command.Offset;
            Compare(command, info, commands, outcomes, told);
            return told.Outcomes;
        }

        // Not told yet.
        Forget(command.Offset);
        return null;
    }

    /// <summary>After the last command: the events that are left.</summary>
    public async ValueTask EndAsync(long lastCommand, CancellationToken cancel)
    {
        while (await NextAsync(cancel) is { } told)
        {
            _current = null;
            if (told.Answers.Offset <= lastCommand)
                CompareRepeat(told, lastCommand + 1);
            else
                Add(Invariant.I3, told.Answers.Offset, "an event answers a command that is not in the log", $"{lastCommand} is the last offset", told.Answers);
        }
    }

    private async ValueTask<EventRecord?> NextAsync(CancellationToken cancel)
    {
        while (_current is null)
        {
            if (events.IsToBeFilled)
                await events.FillAsync(cancel);
            if (events.Current is not { } record)
                return null;
            events.Advance();
            Events++;
            _current = Decode(record);
        }

        return _current;
    }

    private EventRecord? Decode(LogRecord record)
    {
        try
        {
            var told = EventRecord.Decode(record.Value);
            if (told.Log == log)
                return told;
            differences.Add(Invariant.I3, Source, $"{partition}", $"the event at offset {record.Offset} answers another log", log, told.Log);
        }
        catch (LogRefusedException e)
        {
            differences.Add(Invariant.I3, Source, $"{partition}", $"the record at offset {record.Offset} of the events", "an event", e.Message);
        }

        return null;
    }

    private void Compare(LogRecord command, CommandRecordInfo info, long commands, ReadOnlyMemory<byte> outcomes, EventRecord told)
    {
        if (told.Answers.Record != info.Id)
            Add(Invariant.I3, command.Offset, "the event answers another record", info.Id, told.Answers.Record);
        if (told.Commands != commands)
            Add(Invariant.I3, command.Offset, "commands decided up to here", commands, told.Commands);
        var carried = info.State == CommandRecordState.Readable ? command.Value.Span : default;
        if (!told.Command.Span.SequenceEqual(carried))
            Add(Invariant.I3, command.Offset, "the event carries another command record", $"{carried.Length} bytes as in the log", $"{told.Command.Length} bytes that differ");
        if (!told.Outcomes.Span.SequenceEqual(outcomes.Span))
            CompareOutcomes(command.Offset, outcomes.Span, told.Outcomes.Span);
    }

    private void CompareOutcomes(long offset, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> found)
    {
        var isReported = true;
        try
        {
            var model = CouponOutcomes.Open(expected);
            var told = CouponOutcomes.Open(found);
            isReported = false;
            for (var index = 0; ; index++)
            {
                var isDecided = model.TryNext(out var outcome, out var sequence);
                var isTold = told.TryNext(out var other, out var otherSequence);
                if (!isDecided && !isTold)
                    break;
                if (isDecided == isTold && outcome == other && sequence == otherSequence)
                    continue;
                isReported = true;
                differences.Add(isDecided == isTold ? Invariant.I4 : Invariant.I3, Source, new RecordAddress(partition, offset, index), "outcome",
                    isDecided ? Text(outcome, sequence) : "none", isTold ? Text(other, otherSequence) : "none");
            }
        }
        catch (LogRefusedException e)
        {
            isReported = true;
            Add(Invariant.I4, offset, "the outcomes of the event", "readable", e.Message);
        }

        if (!isReported)
            CompareCampaigns(offset, expected, found);
    }

    private void CompareCampaigns(long offset, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> found)
    {
        var model = CouponOutcomes.Open(expected);
        var told = CouponOutcomes.Open(found);
        for (var i = 0; i < Math.Max(model.CampaignCount, told.CampaignCount); i++)
        {
            var decided = i < model.CampaignCount ? CampaignText.Of(model.CampaignAt(i)) : "none";
            var carried = i < told.CampaignCount ? CampaignText.Of(told.CampaignAt(i)) : "none";
            if (decided != carried)
                Add(Invariant.I4, offset, "a campaign as of this record", decided, carried);
        }
    }

    private void CompareRepeat(EventRecord told, long next)
    {
        Repeats++;
        var offset = told.Answers.Offset;
        if (offset < 1)
            Add(Invariant.I3, offset, "an event answers a record that has no commands", "offsets from 1 on", offset);
        else if (next - offset >= RememberedMax)
            return;
        else if (_remembered[offset % RememberedMax] == 0)
            Add(Invariant.I4, offset, "the event stands behind that of a later record", "events in the order of the log", "another order");
        else if (_remembered[offset % RememberedMax] != MachineTopics.Fnv1A(told.Outcomes.Span))
            Add(Invariant.I6, offset, "the record was told twice", "the same outcomes again", "other outcomes");
    }

    private void Forget(long offset) => _remembered[offset % RememberedMax] = 0;

    private void Add(Invariant invariant, long offset, string what, object expected, object found) =>
        differences.Add(invariant, Source, $"{partition}:{offset}", what, expected, found);

    private static string Text(CouponOutcome outcome, int sequence)
    {
        var name = Enum.IsDefined(outcome) && outcome != CouponOutcome.None ? outcome.Name() : $"unknown outcome {(int)outcome}";
        return outcome.IsIssued() ? $"{name} number {sequence + 1}" : name;
    }
}
