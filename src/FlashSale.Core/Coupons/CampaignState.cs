using System.Buffers.Binary;

namespace FlashSale.Core.Coupons;

/// <summary>
/// What the rules know of a campaign, in the fixed layout that the Redis state, the outcomes of a record and thereby the
/// events have in common: number u32, quantity u32, perUser u16, opens u48, closes u48, closed u8, issued u32, opened u48,
/// seed 16 bytes.
/// </summary>
/// <param name="Number">Counts the campaigns of its partition, from 0, in the order in which they were opened.</param>
/// <param name="OpenedAtMs">The instant of the command that opened it; orders campaigns for display.</param>
/// <param name="IsClosed">Closed by a command (a window that has passed does not set it).</param>
public readonly record struct CampaignState(
    int Number, int Quantity, int PerUser, long OpensAtMs, long ClosesAtMs, bool IsClosed, int Issued, long OpenedAtMs, CampaignSeed Seed)
{
    public const int Size = 4 + 4 + 2 + 6 + 6 + 1 + 4 + 6 + CampaignSeed.Size;

    public bool IsSoldOut => Issued >= Quantity;

    public static CampaignState Read(ReadOnlySpan<byte> bytes) => new(
        (int)BinaryPrimitives.ReadUInt32BigEndian(bytes),
        (int)BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
        BinaryPrimitives.ReadUInt16BigEndian(bytes[8..]),
        UInt48(bytes[10..]),
        UInt48(bytes[16..]),
        bytes[22] != 0,
        (int)BinaryPrimitives.ReadUInt32BigEndian(bytes[23..]),
        UInt48(bytes[27..]),
        new CampaignSeed(BinaryPrimitives.ReadUInt128BigEndian(bytes[33..])));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Number);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], (uint)Quantity);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[8..], (ushort)PerUser);
        WriteUInt48(bytes[10..], OpensAtMs);
        WriteUInt48(bytes[16..], ClosesAtMs);
        bytes[22] = IsClosed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[23..], (uint)Issued);
        WriteUInt48(bytes[27..], OpenedAtMs);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[33..], Seed.Value);
    }

    /// <summary>The refusal that the campaign's window gives at an instant, or none.</summary>
    public CouponOutcome WindowAt(long instantMs) => WindowAt(OpensAtMs, ClosesAtMs, IsClosed, instantMs);

    internal static CouponOutcome WindowAt(long opensAtMs, long closesAtMs, bool isClosed, long instantMs) =>
        instantMs < opensAtMs ? CouponOutcome.NotOpen
        : isClosed || (closesAtMs != 0 && instantMs >= closesAtMs) ? CouponOutcome.Closed
        : CouponOutcome.None;

    private static long UInt48(ReadOnlySpan<byte> bytes) =>
        ((long)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]);

    private static void WriteUInt48(Span<byte> bytes, long value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(value >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[2..], (uint)value);
    }
}
