using System.Text;

namespace FlashSale.Core.Log;

/// <summary>A copy of a record that could not be decided as it was meant, with where it stands in the log and why it is here.</summary>
/// <param name="Payload">The record's bytes, unchanged.</param>
public sealed record DeadLetterRecord(RecordId Id, LogId Log, int Partition, long Offset, string Reason, ReadOnlyMemory<byte> Payload)
{
    public byte[] Encode()
    {
        var writer = new RecordWriter(Payload.Length + Reason.Length + 64);
        RecordHeader.Write(ref writer, RecordKind.DeadLetter, Id);
        Log.Write(writer.Reserve(LogId.Size));
        writer.UInt16(Partition);
        writer.UInt48(Offset);
        writer.UInt16(Reason.Length);
        Encoding.ASCII.GetBytes(Reason, writer.Reserve(Reason.Length));
        writer.Bytes(Payload.Span);
        return writer.ToArray();
    }

    /// <summary>Null where the bytes are no dead letter of a version known here.</summary>
    public static DeadLetterRecord? TryDecode(ReadOnlyMemory<byte> bytes)
    {
        var reader = new RecordReader(bytes.Span);
        if (!RecordHeader.TryRead(ref reader, out var header) || header.Kind != RecordKind.DeadLetter || header.Version > RecordHeader.CurrentVersion)
            return null;
        var logId = reader.Bytes(LogId.Size);
        var partition = reader.UInt16();
        var offset = reader.UInt48();
        var reason = Encoding.ASCII.GetString(reader.Bytes(reader.UInt16()));
        return reader.Failed ? null : new DeadLetterRecord(header.Id, LogId.Read(logId), partition, offset, reason, bytes[reader.Position..]);
    }
}
