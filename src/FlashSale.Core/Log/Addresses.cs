using System.Globalization;

namespace FlashSale.Core.Log;

/// <summary>The random identity of one log, written into its genesis records when its topics are created.</summary>
public readonly record struct LogId(Guid Value)
{
    /// <summary>Length of the binary form, in bytes.</summary>
    public const int Size = 16;

    public bool IsNone => Value == Guid.Empty;

    public static LogId Read(ReadOnlySpan<byte> bytes) => new(new Guid(bytes[..Size], bigEndian: true));

    public void Write(Span<byte> bytes) => Value.TryWriteBytes(bytes, bigEndian: true, out _);

    public override string ToString() => Value.ToString("N");
}

/// <summary>The random id of one record: tells a record from another one that has taken its offset (unclean election, recreated topic).</summary>
public readonly record struct RecordId(ulong Value)
{
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}

/// <summary>A place in a partition together with the record that stood there: "applied up to" and "answers" are always such pairs.</summary>
public readonly record struct RecordPosition(long Offset, RecordId Record)
{
    public override string ToString() => $"{Offset}/{Record}";
}

/// <summary>A command's address. The order of addresses within a partition is the order of service.</summary>
public readonly record struct RecordAddress(int Partition, long Offset, int Index)
{
    public override string ToString() => $"{Partition}:{Offset}:{Index}";
}

/// <summary>A record as the log holds it.</summary>
/// <param name="TimestampMs">The record's timestamp in Unix milliseconds; for display and lag only, never for deciding.</param>
public readonly record struct LogRecord(long Offset, ReadOnlyMemory<byte> Value, long TimestampMs);

/// <summary>The readable part of a partition: <see cref="Start"/> is the first offset kept, <see cref="End"/> the next one to be written.</summary>
public readonly record struct LogBounds(long Start, long End);
