using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace FlashSale.Core.Log;

/// <summary>Appends big-endian fields to a growing buffer. The counterpart of <see cref="RecordReader"/>.</summary>
internal struct RecordWriter(int capacity)
{
    private byte[] _buffer = new byte[Math.Max(16, capacity)];

    public int Length { get; private set; }

    public readonly ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    /// <summary>The buffer, to be overwritten in place at positions already written.</summary>
    public readonly Span<byte> At(int position, int count) => _buffer.AsSpan(position, count);

    /// <summary>What was written, without a copy where the buffer is just as long; the writer must not be used afterwards.</summary>
    public readonly byte[] ToArray() => Length == _buffer.Length ? _buffer : _buffer.AsSpan(0, Length).ToArray();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Reserve(int count)
    {
        if (Length + count > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, Length + count));
        var span = _buffer.AsSpan(Length, count);
        Length += count;
        return span;
    }

    public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Reserve(value.Length));

    public void Byte(byte value) => Reserve(1)[0] = value;

    public void UInt16(int value) => BinaryPrimitives.WriteUInt16BigEndian(Reserve(2), checked((ushort)value));

    public void UInt32(long value) => BinaryPrimitives.WriteUInt32BigEndian(Reserve(4), checked((uint)value));

    public void UInt48(long value)
    {
        if ((ulong)value >> 48 != 0)
            throw new ArgumentOutOfRangeException(nameof(value), value, "does not fit six bytes");
        var span = Reserve(6);
        BinaryPrimitives.WriteUInt16BigEndian(span, (ushort)(value >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(span[2..], (uint)value);
    }

    public void UInt64(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Reserve(8), value);
}
