using System.Buffers.Binary;
using System.Text;
using FlashSale.Core.Log;

namespace FlashSale.Core.Coupons;

/// <summary>Gathers coupon commands, in order, into one command record. Used once; not for several threads at a time.</summary>
/// <param name="bytesExpected">Size that the record is expected to come to, so that it need not grow.</param>
public sealed class CouponRecordBuilder(int bytesExpected = 512)
{
    private readonly List<string> _campaigns = [];
    private Dictionary<string, int>? _indexes;
    private RecordWriter _keys = new(64);
    private RecordWriter _commands = new(bytesExpected);

    /// <summary>Commands gathered so far.</summary>
    public int Count { get; private set; }

    /// <summary>Size of the record as it stands, in bytes.</summary>
    public int Bytes => RecordHeader.Size + 4 + _keys.Length + _commands.Length;

    /// <summary>Adds the command and yields its index, or refuses where the record would pass a bound of <see cref="CouponLimits"/>; an empty record takes any valid command.</summary>
    /// <exception cref="ArgumentException">The command is not valid. The record stays as it is: in it, the command would make all others undecodable.</exception>
    public bool TryAdd(CouponCommand command, out int index)
    {
        Check(command);
        index = Count;
        var size = 48 + Identifier.LengthMax + command.CampaignId.Length + (command.Settings?.Description.Length ?? 0);
        if (Count > 0 && (Count == CouponLimits.RecordCommandsMax || Bytes + size > CouponLimits.RecordBytesMax))
            return false;
        var key = KeyIndex(command.CampaignId);
        if (key < 0)
            return false;

        _commands.Byte((byte)command.Kind);
        _commands.UInt16(key);
        _commands.UInt48(command.InstantMs);
        switch (command.Kind)
        {
            case CouponCommandKind.Claim:
                _commands.UInt64(command.ClaimId);
                Text(ref _commands, command.UserId!);
                break;
            case CouponCommandKind.Open:
                Settings(command.Settings!);
                BinaryPrimitives.WriteUInt128BigEndian(_commands.Reserve(CampaignSeed.Size), command.Seed.Value);
                Description(command.Settings!);
                break;
            case CouponCommandKind.Change:
                Settings(command.Settings!);
                Description(command.Settings!);
                break;
            default:
                // Close has nothing more.
                break;
        }

        Count++;
        return true;
    }

    /// <summary>The finished record.</summary>
    public byte[] Build(RecordId id)
    {
        var writer = new RecordWriter(Bytes);
        RecordHeader.Write(ref writer, RecordKind.Commands, id);
        writer.UInt16(_campaigns.Count);
        writer.Bytes(_keys.Written);
        writer.UInt16(Count);
        writer.Bytes(_commands.Written);
        return writer.ToArray();
    }

    private static void Check(CouponCommand command)
    {
        var isValid = Identifier.IsValid(command.CampaignId) && IsInstant(command.InstantMs) && command.Kind switch
        {
            CouponCommandKind.Claim => command.UserId is not null && Identifier.IsValid(command.UserId),
            CouponCommandKind.Close => true,
            CouponCommandKind.Open or CouponCommandKind.Change => command.Settings is { } settings
                && settings.Quantity is >= 1 and <= CouponLimits.QuantityMax && settings.PerUser is >= 1 and <= CouponLimits.PerUserMax
                && IsInstant(settings.OpensAtMs) && IsInstant(settings.ClosesAtMs) && settings.Description.Length <= CouponLimits.DescriptionBytesMax,
            _ => false,
        };
        if (!isValid)
            throw new ArgumentException($"not a valid command of kind {command.Kind} for campaign {command.CampaignId}", nameof(command));
    }

    private static bool IsInstant(long instantMs) => (ulong)instantMs >> 48 == 0;

    private int KeyIndex(string campaignId)
    {
        if (_campaigns.Count > 0 && _campaigns[^1] == campaignId)
            return _campaigns.Count - 1;
        if (_indexes is not null && _indexes.TryGetValue(campaignId, out var index))
            return index;
        if (_campaigns.Count == CouponLimits.RecordCampaignsMax)
            return -1;

        _indexes ??= [];
        index = _campaigns.Count;
        _indexes.Add(campaignId, index);
        _campaigns.Add(campaignId);
        Text(ref _keys, campaignId);
        return index;
    }

    private void Settings(CampaignSettings settings)
    {
        _commands.UInt32(settings.Quantity);
        _commands.UInt16(settings.PerUser);
        _commands.UInt48(settings.OpensAtMs);
        _commands.UInt48(settings.ClosesAtMs);
    }

    private void Description(CampaignSettings settings)
    {
        _commands.UInt16(settings.Description.Length);
        _commands.Bytes(settings.Description.Span);
    }

    private static void Text(ref RecordWriter writer, string text)
    {
        // Ids are ASCII (Identifier), so characters are bytes.
        writer.Byte((byte)text.Length);
        Encoding.ASCII.GetBytes(text, writer.Reserve(text.Length));
    }
}
