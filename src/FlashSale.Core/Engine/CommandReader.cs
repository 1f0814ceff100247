using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>
/// Reads command records in batches that one call of the state store can take. Checks what must hold of a log: offsets
/// without gaps, no record of a newer version, and the expected records at the positions told with <see cref="Expect"/>.
/// </summary>
internal sealed class CommandReader(IMachine machine, ILogReader reader, int partition, EngineOptions options) : IAsyncDisposable
{
    private readonly Queue<LogRecord> _read = [];
    private readonly List<RecordPosition> _expected = [];

    /// <summary>Bytes asked of the log at a time; a batch is cut by commands, this only bounds memory.</summary>
    private const int ReadBytesMax = 1 << 20;

    public static CommandReader Open(IMachine machine, ILog log, int partition, long from, EngineOptions options) =>
        new(machine, log.Read(machine.Topics.Commands, partition, from), partition, options);

    /// <summary>When the record at this offset is read, it must be this one.</summary>
    public void Expect(RecordPosition position) => _expected.Add(position);

    /// <summary>The genesis record, from a reader opened at 0.</summary>
    public async Task<GenesisRecord> ReadGenesisAsync(CancellationToken cancel)
    {
        var record = await NextRecordAsync(cancel);
        if (GenesisRecord.IsOfNewerVersion(record.Value.Span))
            throw new LogRefusedException($"partition {partition} of {machine.Topics.Commands} begins with a record of a newer version than this build reads: update this process");
        return record.Offset == 0 && GenesisRecord.TryDecode(record.Value.Span) is { } genesis
            ? genesis
            : throw new LogRefusedException($"partition {partition} of {machine.Topics.Commands} does not begin with a genesis record: its start was deleted, or it was not created by FlashSale");
    }

    /// <summary>The records after offset <paramref name="before"/> up to and with <paramref name="last"/>; the first one read may also be the one at <paramref name="before"/>.</summary>
    public async Task<List<CommandToApply>> ReadThroughAsync(long before, long last, CancellationToken cancel)
    {
        var records = new List<CommandToApply>();
        for (var offset = before; offset < last;)
        {
            var record = LookOver(await NextRecordAsync(cancel), offset);
            records.Add(record);
            offset = record.Offset;
        }

        return records;
    }

    /// <summary>Waits for records after offset <paramref name="before"/>; as many as are there, within the bounds of a batch.</summary>
    public async Task<IReadOnlyList<CommandToApply>> NextAsync(long before, CancellationToken cancel)
    {
        var batch = new List<CommandToApply> { LookOver(await NextRecordAsync(cancel), before) };
        var commands = batch[0].Info.Commands;
        while (batch.Count < options.BatchRecordsMax && _read.TryPeek(out var next))
        {
            var record = LookOver(next, batch[^1].Offset);
            commands += record.Info.Commands;
            if (commands > options.BatchCommands)
                break;
            batch.Add(record);
            _read.Dequeue();
        }

        return batch;
    }

    public ValueTask DisposeAsync() => reader.DisposeAsync();

    private async Task<LogRecord> NextRecordAsync(CancellationToken cancel)
    {
        if (_read.Count == 0)
        {
            foreach (var record in await reader.ReadAsync(options.BatchRecordsMax, ReadBytesMax, cancel))
                _read.Enqueue(record);
        }

        return _read.Dequeue();
    }

    /// <summary>Checks what must hold of a record that follows the one at offset <paramref name="before"/>, wherever it was read.</summary>
    public static CommandToApply LookOver(IMachine machine, int partition, LogRecord record, long before)
    {
        if (record.Offset != before + 1)
            throw new LogRefusedException($"partition {partition} of {machine.Topics.Commands} goes on at offset {record.Offset} after {before}: records are missing (deleted, compacted or written in a transaction)");
        var info = machine.Inspect(record.Value.Span);
        if (info.State == CommandRecordState.NewerVersion)
            throw new LogRefusedException($"the record at {partition}:{record.Offset} is of a newer version than this build reads: update this process");
        return new CommandToApply(record.Offset, info, record.Value);
    }

    private CommandToApply LookOver(LogRecord record, long before)
    {
        var command = LookOver(machine, partition, record, before);
        for (var i = _expected.Count - 1; i >= 0; i--)
        {
            if (_expected[i].Offset != record.Offset)
                continue;
            if (_expected[i].Record != command.Info.Id)
                throw new LogRefusedException($"at {partition}:{record.Offset} stands record {command.Info.Id} where {_expected[i].Record} was decided before: an unclean leader election or a recreated topic");
            _expected.RemoveAt(i);
        }

        return command;
    }
}
