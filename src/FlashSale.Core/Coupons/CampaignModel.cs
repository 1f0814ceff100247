using System.Text;
using FlashSale.Core.Log;

namespace FlashSale.Core.Coupons;

/// <summary>A campaign as the rules hold it: its state, every change of it, and who holds its coupons.</summary>
public sealed class CampaignModel
{
    private readonly List<CampaignChange> _changes = [];

    internal CampaignModel(string campaignId, CampaignState state, byte[] description, long offset, int index)
    {
        CampaignId = campaignId;
        Description = description;
        Set(state, offset, index);
    }

    public string CampaignId { get; }

    public CampaignState State { get; internal set; }

    public ReadOnlyMemory<byte> Description { get; internal set; }

    public CouponHoldings Holdings { get; } = new();

    internal int ChangeCount => _changes.Count;

    /// <summary>The changes, the opening included, in the layout of the state in Redis: offset u48, index u16, perUser u16, opens u48, closes u48, closed u8.</summary>
    public byte[] PackChanges()
    {
        var writer = new RecordWriter(_changes.Count * CampaignChange.Size);
        foreach (var change in _changes)
            change.Write(ref writer);
        return writer.ToArray();
    }

    internal void Set(CampaignState state, long offset, int index)
    {
        State = state;
        _changes.Add(new CampaignChange(offset, index, state.PerUser, state.OpensAtMs, state.ClosesAtMs, state.IsClosed));
    }

    internal bool IsBefore(long offset, int index) => _changes[0].IsBefore(offset, index);

    internal CampaignChange InForceAt(long offset, int index) => _changes.Last(c => c.IsBefore(offset, index));

    internal List<ClaimEntry> EntriesOf(string userId)
    {
        Span<byte> user = stackalloc byte[Identifier.LengthMax];
        var entries = new List<ClaimEntry>();
        if (!Encoding.ASCII.TryGetBytes(userId, user, out var length))
            return entries;
        foreach (var coupon in Holdings.Of(user[..length]))
            entries.Add(ClaimEntry.Read(coupon));
        return entries;
    }
}

/// <summary>Settings that came into force with the command at an address; kept to answer tickets by the settings in force at theirs.</summary>
internal readonly record struct CampaignChange(long Offset, int Index, int PerUser, long OpensAtMs, long ClosesAtMs, bool IsClosed)
{
    public const int Size = 6 + 2 + 2 + 6 + 6 + 1;

    public bool IsBefore(long offset, int index) => Offset < offset || (Offset == offset && Index < index);

    public void Write(ref RecordWriter writer)
    {
        writer.UInt48(Offset);
        writer.UInt16(Index);
        writer.UInt16(PerUser);
        writer.UInt48(OpensAtMs);
        writer.UInt48(ClosesAtMs);
        writer.Byte(IsClosed ? (byte)1 : (byte)0);
    }
}
