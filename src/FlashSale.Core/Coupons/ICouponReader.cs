using System.Buffers.Binary;
using FlashSale.Core.Log;

namespace FlashSale.Core.Coupons;

/// <summary>What has become of an issued coupon.</summary>
public enum CouponState : byte
{
    Issued = 1,
}

/// <summary>A coupon that a user holds: kept per user and campaign, marked later, never removed.</summary>
/// <param name="Sequence">Its number within the campaign, from 0.</param>
public readonly record struct ClaimEntry(int Sequence, long Offset, int Index, ulong ClaimId, long InstantMs, CouponState State)
{
    /// <summary>Bytes of a coupon in the state: sequence u32, offset u48, index u16, claim id u64, instant u48, state u8.</summary>
    public const int Size = 4 + 6 + 2 + 8 + 6 + 1;

    public bool IsAtOrBefore(long offset, int index) => Offset < offset || (Offset == offset && Index <= index);

    public static ClaimEntry Read(ReadOnlySpan<byte> bytes) => new(
        (int)BinaryPrimitives.ReadUInt32BigEndian(bytes), OffsetOf(bytes), BinaryPrimitives.ReadUInt16BigEndian(bytes[10..]),
        ClaimIdOf(bytes), UInt48(bytes[20..]), (CouponState)bytes[26]);

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Sequence);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[4..], (ushort)(Offset >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[6..], (uint)Offset);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[10..], (ushort)Index);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[12..], ClaimId);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[20..], (ushort)(InstantMs >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[22..], (uint)InstantMs);
        bytes[26] = (byte)State;
    }

    /// <summary>The offset of a coupon in this layout.</summary>
    public static long OffsetOf(ReadOnlySpan<byte> bytes) => UInt48(bytes[4..]);

    /// <summary>The claim id of a coupon in this layout.</summary>
    public static ulong ClaimIdOf(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64BigEndian(bytes[12..]);

    private static long UInt48(ReadOnlySpan<byte> bytes) =>
        ((long)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]);
}

/// <summary>A campaign as the state holds it.</summary>
public sealed record CampaignSnapshot(string CampaignId, CampaignState State, ReadOnlyMemory<byte> Description);

/// <summary>A user's coupons in one campaign.</summary>
public sealed record UserCoupons(string CampaignId, CampaignState State, IReadOnlyList<ClaimEntry> Entries);

/// <summary>The whole of a partition as far as it has been applied.</summary>
public sealed record PartitionSnapshot(LogId Log, RecordPosition Applied, long Commands, IReadOnlyList<CampaignSnapshot> Campaigns);

/// <summary>The claim whose outcome is asked for, as its ticket holds it.</summary>
public readonly record struct ClaimQuestion(
    LogId Log, int Partition, long Offset, int Index, string CampaignId, string UserId, ulong ClaimId, long InstantMs);

/// <summary>What the state says of a claim.</summary>
/// <param name="Outcome"><see cref="CouponOutcome.Issued"/>, a refusal, or <see cref="CouponOutcome.None"/> while it is not decided.</param>
/// <param name="State">The campaign, where there are entries.</param>
/// <param name="Entries">The entry that won; or with <see cref="CouponOutcome.AlreadyClaimed"/> those of the campaign that the user held at the address.</param>
/// <param name="Commands">While it waits: commands of the partition decided so far.</param>
public sealed record ClaimAnswer(CouponOutcome Outcome, CampaignState State, IReadOnlyList<ClaimEntry> Entries, long Commands = 0)
{
    public static ClaimAnswer Refused(CouponOutcome reason) => new(reason, default, []);

    public static ClaimAnswer Waiting(long commands) => new(CouponOutcome.None, default, [], commands);
}

/// <summary>Reads the state of the coupon machine; each call sees one instant of one partition.</summary>
public interface ICouponReader
{
    /// <summary>Null while the state is missing, torn or of another log.</summary>
    /// <exception cref="Engine.StoreUnavailableException">No answer.</exception>
    Task<PartitionSnapshot?> ReadPartitionAsync(int partition, LogId log);

    /// <summary>Waiting while the claim's address is not applied, or the state is missing, torn or of another log.</summary>
    /// <exception cref="Engine.StoreUnavailableException">No answer.</exception>
    Task<ClaimAnswer> ReadClaimAsync(ClaimQuestion claim);

    /// <summary>Null while the state is missing, torn, of another log, or applied less than <paramref name="appliedMin"/>.</summary>
    /// <exception cref="Engine.StoreUnavailableException">No answer.</exception>
    Task<IReadOnlyList<UserCoupons>?> ReadUserAsync(int partition, LogId log, string userId, long appliedMin);
}
