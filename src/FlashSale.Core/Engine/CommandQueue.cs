using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>
/// Command records in the order of the log, to be applied. Checks what must hold of it: offsets without gaps, no record of a newer
/// version, and the expected records at the positions told with <see cref="Expect"/>.
/// </summary>
internal sealed class CommandQueue(IMachine machine, int partition, EngineOptions options)
{
    private readonly Queue<LogRecord> _records = [];
    private readonly List<RecordPosition> _expected = [];

    public bool IsEmpty => _records.Count == 0;

    /// <summary>The record at this offset must be this one.</summary>
    public void Expect(RecordPosition position) => _expected.Add(position);

    public void Add(LogRecord record) => _records.Enqueue(record);

    /// <summary>The next record, not looked at.</summary>
    public LogRecord TakeRaw() => _records.Dequeue();

    /// <summary>The next record, which must follow the one at offset <paramref name="before"/>.</summary>
    /// <exception cref="LogRefusedException">The log is not what it has to be.</exception>
    public CommandToApply Take(long before)
    {
        var command = LookOver(_records.Peek(), before);
        _records.Dequeue();
        return command;
    }

    /// <summary>The next records, at least one, within the bounds of one call of the state store.</summary>
    /// <exception cref="LogRefusedException">The log is not what it has to be.</exception>
    public IReadOnlyList<CommandToApply> TakeBatch(long before)
    {
        var batch = new List<CommandToApply> { Take(before) };
        var commands = batch[0].Info.Commands;
        while (batch.Count < options.BatchRecordsMax && _records.TryPeek(out var next))
        {
            var record = LookOver(next, batch[^1].Offset);
            commands += record.Info.Commands;
            if (commands > options.BatchCommands)
                break;
            batch.Add(record);
            _records.Dequeue();
        }

        return batch;
    }

    private CommandToApply LookOver(LogRecord record, long before)
    {
        if (record.Offset != before + 1)
            throw new LogRefusedException($"partition {partition} of {machine.Topics.Commands} goes on at offset {record.Offset} after {before}: records are missing (deleted, compacted or written in a transaction)");
        var info = machine.Inspect(record.Value.Span);
        if (info.State == CommandRecordState.NewerVersion)
            throw new LogRefusedException($"the record at {partition}:{record.Offset} is of a newer version than this build reads: update this process");
        for (var i = _expected.Count - 1; i >= 0; i--)
        {
            if (_expected[i].Offset != record.Offset)
                continue;
            if (_expected[i].Record != info.Id)
                throw new LogRefusedException($"at {partition}:{record.Offset} stands record {info.Id} where {_expected[i].Record} was decided before: an unclean leader election or a recreated topic");
            _expected.RemoveAt(i);
        }

        return new CommandToApply(record.Offset, info, record.Value);
    }
}
