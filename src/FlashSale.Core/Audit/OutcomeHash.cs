using System.Buffers.Binary;
using System.Security.Cryptography;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>
/// SHA-256 over the commands of a campaign and their outcomes, in the order of the log. For each: offset u48, index u16, kind u8,
/// instant u48, claim id u64, length of the user's id u8, the id, outcome u8, sequence number u32 (2^32 - 1 without one).
/// </summary>
internal sealed class OutcomeHash : IDisposable
{
    private const int FixedSize = 6 + 2 + 1 + 6 + 8 + 1 + 1 + 4;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = new byte[1 << 14];
    private int _used;

    public void Add(RecordAddress address, in CouponCommandView command, CouponOutcome outcome, int sequence)
    {
        if (_used + FixedSize + Identifier.LengthMax > _buffer.Length)
            Flush();
        var bytes = _buffer.AsSpan(_used);
        // Eight bytes hold the six of the offset and the two of the index.
        BinaryPrimitives.WriteUInt64BigEndian(bytes, ((ulong)address.Offset << 16) | (uint)address.Index);
        bytes[8] = (byte)command.Kind;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[9..], (ushort)(command.InstantMs >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[11..], (uint)command.InstantMs);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[15..], command.ClaimId);
        bytes[23] = (byte)command.User.Length;
        command.User.CopyTo(bytes[24..]);
        bytes = bytes[(24 + command.User.Length)..];
        bytes[0] = (byte)outcome;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], (uint)sequence);
        _used += FixedSize + command.User.Length;
    }

    /// <summary>The hash so far, as lower-case hex digits.</summary>
    public string Take()
    {
        Flush();
        return Convert.ToHexStringLower(_hash.GetCurrentHash());
    }

    public void Dispose() => _hash.Dispose();

    private void Flush()
    {
        _hash.AppendData(_buffer.AsSpan(0, _used));
        _used = 0;
    }
}
