using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using FlashSale.Simulation.Broker;

namespace FlashSale.Simulation.Oracle;

/// <summary>Sees all that is appended and all that the state becomes, and checks I1 to I4, I7 and I8 at once.</summary>
internal sealed class LogOracle
{
    private readonly World _world;
    private readonly Rules[] _rules;
    private readonly long[] _told;
    private readonly List<(int Partition, LogRecord Record)> _dropped = [];
    private readonly HashSet<(int Partition, long Offset)> _deadLetters = [];

    public LogOracle(World world)
    {
        _world = world;
        Truth = [.. Enumerable.Range(0, world.Partitions).Select(p => new PartitionTruth(p, world.Users))];
        _rules = [.. Enumerable.Range(0, world.Partitions).Select(p => new Rules(p))];
        _told = new long[world.Partitions];
    }

    public IReadOnlyList<PartitionTruth> Truth { get; }

    public IReadOnlyList<Rules> Rules => _rules;

    /// <summary>The last command record whose outcomes are told.</summary>
    public long Told(int partition) => _told[partition];

    public bool IsDeadLetter(int partition, long offset) => _deadLetters.Contains((partition, offset));

    public void Appended(string topic, int partition, long offset, byte[] value)
    {
        var read = VersionTwo.Read(value);
        if (topic == MachineTopics.Coupon.Commands)
            Truth[partition].Append(offset, read);
        else if (topic == MachineTopics.Coupon.Events)
            Told(partition, offset, EventRecord.Decode(read));
        else if (DeadLetterRecord.TryDecode(read) is { } letter)
            DeadLettered(letter);
        else
            throw new ViolationException("I3", $"dead letter {partition}:{offset} cannot be read");
    }

    /// <summary>Records that stood in the log only while it had lost its end.</summary>
    public void Dropped(int partition, IReadOnlyList<LogRecord> records) => _dropped.AddRange(records.Select(r => (partition, r)));

    /// <summary>Whether a claim was acknowledged by a log that was damaged then, and has been lost by it.</summary>
    public bool WasLost(ClaimQuestion claim) => _dropped.Exists(d => d.Partition == claim.Partition && d.Record.Offset == claim.Offset);

    /// <summary>I7: the state is the one that the model has at the applied offset.</summary>
    public void StateChanged(int partition, InMemoryCouponStore store)
    {
        if (store.ReadPartitionAsync(partition, _world.LogId).Result is not { } found)
            return;
        var records = Truth[partition].Records;
        if (found.Applied.Offset >= records.Count)
            throw new ViolationException("I7", $"the state of {partition} has applied {found.Applied.Offset}, the log ends at {records.Count}");
        var record = records[(int)found.Applied.Offset];
        if (record.Position != found.Applied || record.Commands != found.Commands)
            throw new ViolationException("I7", $"the state of {partition} has applied {found.Applied} ({found.Commands} commands), the log holds {record.Position} ({record.Commands} commands)");
        var state = Digest.Of(found.Campaigns, u => store.ReadUserAsync(partition, _world.LogId, u, 0).Result!, _world.Users);
        if (state != record.State)
            throw new ViolationException("I7", $"the state of {partition} at {found.Applied.Offset} is not the model's");
    }

    private void Told(int partition, long eventOffset, EventRecord told)
    {
        var at = $"event {partition}:{eventOffset}, which answers {told.Answers},";
        var records = Truth[partition].Records;
        if (told.Log != _world.LogId || told.Answers.Offset >= records.Count || records[(int)told.Answers.Offset].Position != told.Answers)
            throw new ViolationException("I3", $"{at} tells outcomes without a command in the log");
        var record = records[(int)told.Answers.Offset];
        var command = record.Info.State == CommandRecordState.Readable ? record.Value : default;
        if (!told.Command.Span.SequenceEqual(command.Span) || told.Commands != record.Commands)
            throw new ViolationException("I3", $"{at} holds another command, or counts {told.Commands} commands instead of {record.Commands}");

        // What is told for the first time is counted before it is compared with the model, so that a wrong model is found by counting.
        if (told.Answers.Offset == _told[partition] + 1)
        {
            _rules[partition].Told(told);
            _told[partition]++;
        }
        else if (told.Answers.Offset > _told[partition])
        {
            throw new ViolationException("I3", $"{at} is told although {_told[partition] + 1} is not: a command has no outcome");
        }

        if (!told.Outcomes.Span.SequenceEqual(record.Outcomes))
            throw new ViolationException("I4", $"{at} tells other outcomes than the model");
    }

    private void DeadLettered(DeadLetterRecord letter)
    {
        var records = Truth[letter.Partition].Records;
        if (letter.Offset >= records.Count || !letter.Payload.Span.SequenceEqual(records[(int)letter.Offset].Value.Span))
            throw new ViolationException("I3", $"the dead letter of {letter.Partition}:{letter.Offset} holds another record");
        _deadLetters.Add((letter.Partition, letter.Offset));
    }
}
