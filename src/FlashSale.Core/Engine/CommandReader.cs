using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>
/// Reads command records in batches that one call of the state store can take, and checks what must hold of a log (<see cref="CommandQueue"/>).
/// </summary>
internal sealed class CommandReader(IMachine machine, ILogReader reader, int partition, EngineOptions options) : IAsyncDisposable
{
    private readonly CommandQueue _read = new(machine, partition, options);

    /// <summary>Bytes asked of the log at a time; a batch is cut by commands, this only bounds memory.</summary>
    private const int ReadBytesMax = 1 << 20;

    public static CommandReader Open(IMachine machine, ILog log, int partition, long from, EngineOptions options) =>
        new(machine, log.Read(machine.Topics.Commands, partition, from), partition, options);

    /// <summary>When the record at this offset is read, it must be this one.</summary>
    public void Expect(RecordPosition position) => _read.Expect(position);

    /// <summary>The genesis record, from a reader opened at 0.</summary>
    public async Task<GenesisRecord> ReadGenesisAsync(CancellationToken cancel)
    {
        await FillAsync(cancel);
        var record = _read.TakeRaw();
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
            await FillAsync(cancel);
            var record = _read.Take(offset);
            records.Add(record);
            offset = record.Offset;
        }

        return records;
    }

    /// <summary>Waits for records after offset <paramref name="before"/>; as many as are there, within the bounds of a batch.</summary>
    public async Task<IReadOnlyList<CommandToApply>> NextAsync(long before, CancellationToken cancel)
    {
        await FillAsync(cancel);
        return _read.TakeBatch(before);
    }

    public ValueTask DisposeAsync() => reader.DisposeAsync();

    private async Task FillAsync(CancellationToken cancel)
    {
        if (!_read.IsEmpty)
            return;
        foreach (var record in await reader.ReadAsync(options.BatchRecordsMax, ReadBytesMax, cancel))
            _read.Add(record);
    }
}
