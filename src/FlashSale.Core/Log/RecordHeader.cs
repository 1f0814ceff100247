namespace FlashSale.Core.Log;

/// <summary>What a record holds: the byte after the version.</summary>
public enum RecordKind : byte
{
    Genesis = 1,
    Commands = 2,
    Event = 3,
    DeadLetter = 4,
}

/// <summary>
/// The first 12 bytes of every record: magic <c>FS</c>, version, kind, record id (docs/log-format.md).
/// </summary>
public readonly record struct RecordHeader(byte Version, RecordKind Kind, RecordId Id)
{
    public const int Size = 12;

    /// <summary>The version that this build writes, and the highest that it reads.</summary>
    public const byte CurrentVersion = 1;

    internal static bool TryRead(ref RecordReader reader, out RecordHeader header)
    {
        var f = reader.Byte();
        var s = reader.Byte();
        header = new RecordHeader(reader.Byte(), (RecordKind)reader.Byte(), new RecordId(reader.UInt64()));
        return !reader.Failed && f == (byte)'F' && s == (byte)'S' && header.Version != 0;
    }

    internal static void Write(ref RecordWriter writer, RecordKind kind, RecordId id)
    {
        writer.Bytes("FS"u8);
        writer.Byte(CurrentVersion);
        writer.Byte((byte)kind);
        writer.UInt64(id.Value);
    }
}

/// <summary>What a reader of a command partition finds at an offset.</summary>
public enum CommandRecordState
{
    /// <summary>Commands that can be decided.</summary>
    Readable,

    /// <summary>A second genesis record, the loser of a race at creation: holds no commands.</summary>
    Empty,

    /// <summary>Bytes that are no record of this machine. Decided as one outcome, <c>undecodable</c>.</summary>
    Undecodable,

    /// <summary>Written by a newer version. The reader must stop: guessing would decide differently from that version.</summary>
    NewerVersion,
}

/// <summary>The result of looking a command record over: all that the engine needs to know of it.</summary>
/// <param name="Commands">How many outcomes the record will have.</param>
public readonly record struct CommandRecordInfo(CommandRecordState State, RecordId Id, int Commands)
{
    /// <summary>The id of bytes that carry none: a hash of them, so that it is the same at every reading.</summary>
    public static CommandRecordInfo Undecodable(ReadOnlySpan<byte> bytes) =>
        new(CommandRecordState.Undecodable, new RecordId(MachineTopics.Fnv1A(bytes)), 1);
}
