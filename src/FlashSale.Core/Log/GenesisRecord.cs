using System.Text;

namespace FlashSale.Core.Log;

/// <summary>The record at offset 0 of each command partition: which log this is and how it was laid out.</summary>
/// <param name="Log">The same in all partitions of a machine.</param>
/// <param name="Partition">The partition that it stands in.</param>
/// <param name="Partitions">How many the machine has; fixed for the life of the log, as keys are spread over them.</param>
/// <param name="Rules">The version of the machine's rules that the log begins with.</param>
public sealed record GenesisRecord(RecordId Id, LogId Log, string Machine, int Partition, int Partitions, string KeyHash, int Rules)
{
    /// <summary>The newest rules that this build knows.</summary>
    public const int RulesCurrent = 1;

    public byte[] Encode()
    {
        var writer = new RecordWriter(80);
        RecordHeader.Write(ref writer, RecordKind.Genesis, Id);
        Log.Write(writer.Reserve(LogId.Size));
        writer.UInt16(Partition);
        writer.UInt16(Partitions);
        writer.UInt16(Rules);
        Text(ref writer, Machine);
        Text(ref writer, KeyHash);
        return writer.ToArray();
    }

    /// <summary>Null where the bytes are no genesis record of a version known here.</summary>
    public static GenesisRecord? TryDecode(ReadOnlySpan<byte> bytes)
    {
        var reader = new RecordReader(bytes);
        if (!RecordHeader.TryRead(ref reader, out var header) || header.Kind != RecordKind.Genesis || header.Version > RecordHeader.CurrentVersion)
            return null;
        var logId = reader.Bytes(LogId.Size);
        if (reader.Failed)
            return null;
        var partition = reader.UInt16();
        var partitions = reader.UInt16();
        var rules = reader.UInt16();
        var machine = Encoding.ASCII.GetString(reader.Bytes(reader.Byte()));
        var hash = Encoding.ASCII.GetString(reader.Bytes(reader.Byte()));
        return reader.Failed || !reader.AtEnd ? null : new GenesisRecord(header.Id, LogId.Read(logId), machine, partition, partitions, hash, rules);
    }

    /// <summary>Whether the bytes are a record of a version newer than this build reads: then nothing can be said of what they hold.</summary>
    public static bool IsOfNewerVersion(ReadOnlySpan<byte> bytes)
    {
        var reader = new RecordReader(bytes);
        return RecordHeader.TryRead(ref reader, out var header) && header.Version > RecordHeader.CurrentVersion;
    }

    private static void Text(ref RecordWriter writer, string text)
    {
        writer.Byte((byte)text.Length);
        Encoding.ASCII.GetBytes(text, writer.Reserve(text.Length));
    }
}
