using FlashSale.Core.Log;

namespace FlashSale.Simulation.Broker;

/// <summary>
/// A record format of the next version: one byte more behind the header, which a reader of version 1 knows nothing of. A process
/// of the next version is today's code behind this translation.
/// </summary>
internal static class VersionTwo
{
    private const byte Added = 0xEE;
    private const byte Version = RecordHeader.CurrentVersion + 1;

    public static byte[] Write(ReadOnlyMemory<byte> record)
    {
        var bytes = record.Span;
        byte[] written = [.. bytes[..RecordHeader.Size], Added, .. bytes[RecordHeader.Size..]];
        written[2] = Version;
        return written;
    }

    /// <summary>The record as version 1 would have it; anything else as it is.</summary>
    public static ReadOnlyMemory<byte> Read(ReadOnlyMemory<byte> record)
    {
        var bytes = record.Span;
        if (bytes.Length <= RecordHeader.Size || bytes[0] != 'F' || bytes[1] != 'S' || bytes[2] != Version || bytes[RecordHeader.Size] != Added)
            return record;
        byte[] read = [.. bytes[..RecordHeader.Size], .. bytes[(RecordHeader.Size + 1)..]];
        read[2] = RecordHeader.CurrentVersion;
        return read;
    }
}
