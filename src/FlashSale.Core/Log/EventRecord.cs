namespace FlashSale.Core.Log;

/// <summary>
/// The answer to one command record: that record itself and the outcomes of its commands, in their order. It stands in the
/// event partition of the same number. The engine puts it together without looking into either part.
/// </summary>
/// <param name="Log">Identity of the log that is answered.</param>
/// <param name="Answers">The command record that is answered.</param>
/// <param name="Commands">How many commands of the partition are decided with this record, counted from the log's start.</param>
/// <param name="ToldAtMs">When the engine told it, Unix milliseconds; for display only.</param>
/// <param name="Command">The answered record's bytes; empty where it was undecodable (the dead letters have it) or held no commands.</param>
/// <param name="Outcomes">As the state store returned them; the machine knows their layout.</param>
public sealed record EventRecord(
    RecordId Id, LogId Log, RecordPosition Answers, long Commands, long ToldAtMs, ReadOnlyMemory<byte> Command, ReadOnlyMemory<byte> Outcomes)
{
    private const int FixedSize = RecordHeader.Size + LogId.Size + 6 + 8 + 6 + 6 + 4;

    public byte[] Encode()
    {
        var writer = new RecordWriter(FixedSize + Command.Length + Outcomes.Length);
        RecordHeader.Write(ref writer, RecordKind.Event, Id);
        Log.Write(writer.Reserve(LogId.Size));
        writer.UInt48(Answers.Offset);
        writer.UInt64(Answers.Record.Value);
        writer.UInt48(Commands);
        writer.UInt48(ToldAtMs);
        writer.UInt32(Command.Length);
        writer.Bytes(Command.Span);
        writer.Bytes(Outcomes.Span);
        return writer.ToArray();
    }

    /// <summary>Decodes an event; its parts are slices of <paramref name="bytes"/>.</summary>
    /// <exception cref="LogRefusedException">The bytes are no event, or one of a newer version. Events are written by engines
    /// alone, so this is never a caller's doing and the reader must not go on.</exception>
    public static EventRecord Decode(ReadOnlyMemory<byte> bytes)
    {
        var reader = new RecordReader(bytes.Span);
        if (!RecordHeader.TryRead(ref reader, out var header) || header.Kind != RecordKind.Event)
            throw new LogRefusedException("a record of an event topic is no event: somebody else writes to it");
        if (header.Version > RecordHeader.CurrentVersion)
            throw new LogRefusedException($"an event has version {header.Version}, this build reads up to {RecordHeader.CurrentVersion}: update this process");
        var logId = reader.Bytes(LogId.Size);
        var answers = new RecordPosition(reader.UInt48(), new RecordId(reader.UInt64()));
        var commands = reader.UInt48();
        var toldAt = reader.UInt48();
        var commandLength = (int)reader.UInt32();
        var commandStart = reader.Position;
        reader.Bytes(commandLength);
        if (reader.Failed)
            throw new LogRefusedException("an event record is cut short");
        return new EventRecord(header.Id, LogId.Read(logId), answers, commands, toldAt,
            bytes.Slice(commandStart, commandLength), bytes[reader.Position..]);
    }
}

/// <summary>The log (or a state made from it) is not what it must be, and going on would decide wrongly. The message says what was found and what to do.</summary>
public sealed class LogRefusedException(string message) : Exception(message);
