using System.Text;
using FlashSale.Core.Log;

namespace FlashSale.Core.Coupons;

/// <summary>A command of a record, in place: spans into the record's bytes.</summary>
public ref struct CouponCommandView
{
    public CouponCommandKind Kind { get; internal set; }

    public int Campaign { get; internal set; }

    public long InstantMs { get; internal set; }

    public ulong ClaimId { get; internal set; }

    public ReadOnlySpan<byte> User { get; internal set; }

    public int Quantity { get; internal set; }

    public int PerUser { get; internal set; }

    public long OpensAtMs { get; internal set; }

    public long ClosesAtMs { get; internal set; }

    public ReadOnlySpan<byte> Seed { get; internal set; }

    public ReadOnlySpan<byte> Description { get; internal set; }
}

/// <summary>
/// Walks the commands of a coupon command record without copying. The Lua script reads the same bytes: a record goes
/// from the door through Kafka into Redis and into the event as it is.
/// </summary>
public ref struct CouponRecord
{
    private RecordReader _reader;
    private int _left;

    private CouponRecord(RecordReader reader, RecordId id, string[] campaigns, int count)
    {
        _reader = reader;
        Id = id;
        Campaigns = campaigns;
        Count = _left = count;
    }

    public RecordId Id { get; }

    /// <summary>The campaigns named in the record; commands refer to them by index.</summary>
    public string[] Campaigns { get; }

    public int Count { get; }

    /// <summary>Opens a record that <see cref="Inspect"/> called readable.</summary>
    /// <exception cref="InvalidOperationException">It is not.</exception>
    public static CouponRecord Open(ReadOnlySpan<byte> bytes)
    {
        var reader = new RecordReader(bytes);
        if (!RecordHeader.TryRead(ref reader, out var header) || header.Kind != RecordKind.Commands)
            throw new InvalidOperationException("not a readable command record");
        var campaigns = new string[reader.UInt16()];
        for (var i = 0; i < campaigns.Length; i++)
            campaigns[i] = Encoding.ASCII.GetString(reader.Bytes(reader.Byte()));
        var count = reader.UInt16();
        return new CouponRecord(reader, header.Id, campaigns, count);
    }

    /// <summary>The next command, or false at the end.</summary>
    public bool TryNext(out CouponCommandView command)
    {
        command = default;
        if (_left == 0)
            return false;
        _left--;
        var reader = _reader;
        var read = TryRead(ref reader, out command);
        _reader = reader;
        return read;
    }

    /// <summary>
    /// Looks a record over, all of it: a record is either decided whole or undecodable whole. Besides the layout every
    /// bound that a door guarantees is checked, as the rules rely on them.
    /// </summary>
    public static CommandRecordInfo Inspect(ReadOnlySpan<byte> bytes)
    {
        var reader = new RecordReader(bytes);
        if (!RecordHeader.TryRead(ref reader, out var header))
            return CommandRecordInfo.Undecodable(bytes);
        if (header.Version > RecordHeader.CurrentVersion)
            return new CommandRecordInfo(CommandRecordState.NewerVersion, header.Id, 0);
        if (header.Kind == RecordKind.Genesis)
            return new CommandRecordInfo(CommandRecordState.Empty, header.Id, 0);
        if (header.Kind != RecordKind.Commands || bytes.Length > CouponLimits.RecordBytesMax + CouponLimits.DescriptionBytesMax + 256)
            return CommandRecordInfo.Undecodable(bytes);

        var campaigns = reader.UInt16();
        for (var i = 0; i < campaigns && !reader.Failed; i++)
        {
            if (!Identifier.IsValid(reader.Bytes(reader.Byte())))
                reader.Fail();
        }

        var count = reader.UInt16();
        for (var i = 0; i < count && !reader.Failed; i++)
        {
            if (!TryRead(ref reader, out var command) || command.Campaign >= campaigns || !IsWithinBounds(command))
                reader.Fail();
        }

        return reader.Failed || !reader.AtEnd || count is 0 or > CouponLimits.RecordCommandsMax || campaigns > CouponLimits.RecordCampaignsMax
            ? CommandRecordInfo.Undecodable(bytes)
            : new CommandRecordInfo(CommandRecordState.Readable, header.Id, count);
    }

    private static bool IsWithinBounds(in CouponCommandView command) => command.Kind switch
    {
        CouponCommandKind.Claim => Identifier.IsValid(command.User),
        CouponCommandKind.Close => true,
        _ => command.Quantity is >= 1 and <= CouponLimits.QuantityMax && command.PerUser is >= 1 and <= CouponLimits.PerUserMax
            && command.Description.Length <= CouponLimits.DescriptionBytesMax,
    };

    private static bool TryRead(scoped ref RecordReader reader, out CouponCommandView command)
    {
        command = new CouponCommandView
        {
            Kind = (CouponCommandKind)reader.Byte(),
            Campaign = reader.UInt16(),
            InstantMs = reader.UInt48(),
        };
        switch (command.Kind)
        {
            case CouponCommandKind.Claim:
                command.ClaimId = reader.UInt64();
                command.User = reader.Bytes(reader.Byte());
                break;
            case CouponCommandKind.Open or CouponCommandKind.Change:
                command.Quantity = (int)Math.Min(reader.UInt32(), int.MaxValue);
                command.PerUser = reader.UInt16();
                command.OpensAtMs = reader.UInt48();
                command.ClosesAtMs = reader.UInt48();
                if (command.Kind == CouponCommandKind.Open)
                    command.Seed = reader.Bytes(CampaignSeed.Size);
                command.Description = reader.Bytes(reader.UInt16());
                break;
            case CouponCommandKind.Close:
                break;
            default:
                reader.Fail();
                break;
        }

        return !reader.Failed;
    }
}
