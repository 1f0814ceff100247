using System.Buffers.Binary;

namespace FlashSale.Core.Log;

/// <summary>Reads the fields of a record in order. Anything that does not fit sets <see cref="Failed"/> and yields zeros, so that a decoder checks once, at the end.</summary>
internal ref struct RecordReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }

    public bool Failed { get; private set; }

    public readonly bool AtEnd => Position == _bytes.Length;

    public ReadOnlySpan<byte> Bytes(int count)
    {
        if (Failed || count < 0 || count > _bytes.Length - Position)
        {
            Failed = true;
            return default;
        }

        var slice = _bytes.Slice(Position, count);
        Position += count;
        return slice;
    }

    public byte Byte()
    {
        var slice = Bytes(1);
        return slice.IsEmpty ? (byte)0 : slice[0];
    }

    public ushort UInt16()
    {
        var slice = Bytes(2);
        return slice.IsEmpty ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(slice);
    }

    public uint UInt32()
    {
        var slice = Bytes(4);
        return slice.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32BigEndian(slice);
    }

    /// <summary>An unsigned integer of six bytes: an offset or an instant in milliseconds.</summary>
    public long UInt48()
    {
        var slice = Bytes(6);
        return slice.IsEmpty ? 0 : ((long)BinaryPrimitives.ReadUInt16BigEndian(slice) << 32) | BinaryPrimitives.ReadUInt32BigEndian(slice[2..]);
    }

    public ulong UInt64()
    {
        var slice = Bytes(8);
        return slice.IsEmpty ? 0 : BinaryPrimitives.ReadUInt64BigEndian(slice);
    }

    public void Fail() => Failed = true;
}
