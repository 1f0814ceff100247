using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>The records that an engine appends for one partition.</summary>
internal sealed class OutputRecords(IMachine machine, int partition, LogId logId, TimeProvider time, IRandomIds ids, IEngineObserver observer)
{
    /// <summary>The event that answers a command record.</summary>
    /// <param name="commands">Commands of the partition decided up to and with this record.</param>
    public byte[] Event(CommandToApply command, long commands, byte[] outcomes) =>
        new EventRecord(new RecordId(ids.Next()), logId, command.Position, commands, time.GetUtcNow().ToUnixTimeMilliseconds(),
            command.Info.State == CommandRecordState.Readable ? command.Value : default, outcomes).Encode();

    /// <summary>Copies a record that cannot be read to the dead letters, before its event is told; ends once the copy is acknowledged.</summary>
    public async Task DeadLetterAsync(IGaplessAppender appender, CommandToApply command, CancellationToken cancel)
    {
        if (command.Info.State != CommandRecordState.Undecodable)
            return;
        var letter = new DeadLetterRecord(new RecordId(ids.Next()), logId, partition, command.Offset, "undecodable", command.Value);
        await appender.AppendAsync(machine.Topics.DeadLetters, partition, letter.Encode()).WaitAsync(cancel);
        observer.DeadLettered(new RecordAddress(partition, command.Offset, 0));
    }
}
