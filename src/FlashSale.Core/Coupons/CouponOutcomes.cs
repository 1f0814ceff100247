using FlashSale.Core.Log;

namespace FlashSale.Core.Coupons;

/// <summary>
/// The outcomes of one command record as script and model return them: the campaigns that it touched (index in the record,
/// state after the record), then one outcome per command, in order.
/// Layout: count u16, each campaign u16 + <see cref="CampaignState.Size"/>; each outcome u8, an issued one followed by its sequence number u32.
/// </summary>
public ref struct CouponOutcomes
{
    private readonly ReadOnlySpan<byte> _campaigns;
    private RecordReader _reader;

    private CouponOutcomes(ReadOnlySpan<byte> campaigns, RecordReader reader)
    {
        _campaigns = campaigns;
        _reader = reader;
    }

    private const int CampaignEntrySize = 2 + CampaignState.Size;

    /// <summary>How many campaigns the record touched: those that exist after it.</summary>
    public readonly int CampaignCount => _campaigns.Length / CampaignEntrySize;

    public static CouponOutcomes Open(ReadOnlySpan<byte> bytes)
    {
        var reader = new RecordReader(bytes);
        var campaigns = reader.Bytes(reader.UInt16() * CampaignEntrySize);
        return reader.Failed ? throw new LogRefusedException("the outcomes of a record are cut short") : new CouponOutcomes(campaigns, reader);
    }

    /// <summary>The i-th campaign touched: its index in the record, and its state after the record.</summary>
    public readonly (int Campaign, CampaignState State) CampaignAt(int i)
    {
        var entry = _campaigns.Slice(i * CampaignEntrySize, CampaignEntrySize);
        return ((entry[0] << 8) | entry[1], CampaignState.Read(entry[2..]));
    }

    /// <summary>The next outcome, or false at the end. <paramref name="sequence"/> is the coupon's number within its campaign, from 0.</summary>
    public bool TryNext(out CouponOutcome outcome, out int sequence)
    {
        outcome = CouponOutcome.None;
        sequence = -1;
        if (_reader.AtEnd)
            return false;
        outcome = (CouponOutcome)_reader.Byte();
        if (outcome.IsIssued())
            sequence = (int)_reader.UInt32();
        return _reader.Failed ? throw new LogRefusedException("the outcomes of a record are cut short") : true;
    }

    /// <summary>The outcomes of bytes that are no record.</summary>
    public static byte[] OfUndecodable() => [0, 0, (byte)CouponOutcome.Undecodable];

    /// <summary>The outcomes of a record without commands.</summary>
    public static byte[] OfEmpty() => [0, 0];
}
