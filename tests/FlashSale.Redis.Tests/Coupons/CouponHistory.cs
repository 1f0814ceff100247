using FlashSale.Core;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Redis.Tests.Coupons;

/// <summary>What a history is drawn from. Small sets, so that commands meet.</summary>
/// <param name="FullRecords">One record in so many is filled to a bound of the format: commands, bytes or campaigns.</param>
public sealed record CouponHistorySizes(
    int Campaigns = 6, int Users = 40, int ClaimIds = 200, int QuantityMax = 60, int PerUserMax = 4, int RecordCommandsMax = 60, int BatchRecordsMax = 6,
    int FullRecords = int.MaxValue);

/// <summary>
/// Random command records of one partition, the same for the same seed. Commands are aimed at what decides: at the edges of windows
/// in force, at quantities around what is issued, at claim ids that have been used.
/// </summary>
/// <param name="stateOf">A campaign as the records drawn so far have left it, or null.</param>
internal sealed class CouponHistory(int seed, CouponHistorySizes sizes, Func<string, CampaignState?> stateOf, int partition = 0)
{
    private const long Start = 1_790_000_000_000;
    private const int RememberedMax = 400;

    private readonly Random _random = new(seed);
    private readonly List<CouponCommand> _remembered = [];
    private readonly Dictionary<string, CampaignSettings> _settings = [];
    private long _offset;
    private long _now = Start;

    public GenesisRecord Genesis { get; } = new(
        new RecordId(Bits(new Random(~seed))), new LogId(new Guid(seed, 7, 7, 1, 2, 3, 4, 5, 6, 7, 8)), "coupon", partition, 1_024, MachineTopics.KeyHash, GenesisRecord.RulesCurrent);

    public List<ClaimQuestion> Claims { get; } = [];

    public int Commands { get; private set; }

    /// <summary>The next records, cut off at random.</summary>
    public List<CommandToApply> NextBatch()
    {
        var batch = new List<CommandToApply>();
        for (var left = 1 + _random.Next(sizes.BatchRecordsMax); left > 0; left--)
            batch.Add(NextRecord());
        return batch;
    }

    private CommandToApply NextRecord()
    {
        _offset++;
        return _random.Next(40) switch
        {
            0 => ToApply(Garbage()),
            1 => ToApply((Genesis with { Id = new RecordId(Bits(_random)) }).Encode()),
            _ => ToApply(Readable()),
        };
    }

    private CommandToApply ToApply(byte[] bytes)
    {
        var info = CouponRecord.Inspect(bytes);
        Commands += info.Commands;
        return new CommandToApply(_offset, info, bytes);
    }

    private byte[] Garbage()
    {
        var bytes = new byte[_random.Next(60)];
        _random.NextBytes(bytes);
        return bytes;
    }

    private byte[] Readable()
    {
        var builder = new CouponRecordBuilder();
        var isFull = _random.Next(sizes.FullRecords) == 0;
        var count = isFull ? CouponLimits.RecordCommandsMax : _random.Next(4) == 0 ? 1 : 1 + _random.Next(sizes.RecordCommandsMax);
        var same = _random.Next(2) == 0 ? CampaignId() : null;
        var isLong = isFull && _random.Next(2) == 0;
        for (var i = 0; i < count; i++)
        {
            // Doors have clocks of their own: now and then a later command is the earlier one.
            _now += _random.Next(50) == 0 ? _random.Next(-3_000, 3_000) : _random.Next(20);
            var command = Command(same ?? CampaignId(), isLong);
            if (!builder.TryAdd(command, out var index))
                break;
            if (command.Kind != CouponCommandKind.Claim)
                continue;
            Remember(command);
            Claims.Add(new ClaimQuestion(Genesis.Log, partition, _offset, index, command.CampaignId, command.UserId!, command.ClaimId, command.InstantMs));
        }

        return builder.Build(new RecordId(Bits(_random)));
    }

    private CouponCommand Command(string campaignId, bool isLong) => _random.Next(isLong ? 10 : 60) switch
    {
        0 or 1 => CouponCommand.Open(campaignId, Settings(campaignId, isLong), new CampaignSeed(Bits(_random)), _now),
        2 or 3 => CouponCommand.Change(campaignId, Settings(campaignId, isLong), _now),
        4 => CouponCommand.Close(campaignId, _now),
        5 when _settings.TryGetValue(campaignId, out var same) => CouponCommand.Change(campaignId, same, _now),
        < 16 when _remembered.Count > 0 => _remembered[_random.Next(_remembered.Count)] with { InstantMs = _now },
        _ => CouponCommand.Claim(campaignId, UserId(_random.Next(sizes.Users)), ClaimId(), Instant(campaignId)),
    };

    private void Remember(CouponCommand claim)
    {
        if (_remembered.Count < RememberedMax)
            _remembered.Add(claim);
        else
            _remembered[_random.Next(RememberedMax)] = claim;
    }

    /// <summary>Mostly now; else one of the four instants at the edges of the window.</summary>
    private long Instant(string campaignId)
    {
        if (_random.Next(8) > 0 || stateOf(campaignId) is not { } state)
            return _now;
        var edge = _random.Next(2) == 0 ? state.OpensAtMs : state.ClosesAtMs;
        return edge == 0 ? _now : edge - _random.Next(2);
    }

    private CampaignSettings Settings(string campaignId, bool isLong)
    {
        var opens = _random.Next(3) == 0 ? _now + _random.Next(-2_000, 2_000) : 0;
        var closes = _random.Next(3) == 0 ? _now + _random.Next(-500, 6_000) : 0;
        var description = new byte[isLong ? CouponLimits.DescriptionBytesMax : _random.Next(3) switch { 0 => 0, 1 => 5, _ => _random.Next(300) }];
        return _settings[campaignId] = new CampaignSettings(Quantity(campaignId), 1 + _random.Next(sizes.PerUserMax), opens, closes, description);
    }

    private int Quantity(string campaignId)
    {
        var quantity = 1 + _random.Next(sizes.QuantityMax);
        return stateOf(campaignId) is not { } state ? quantity : _random.Next(4) switch
        {
            // Just what is issued, a little less, a little more.
            0 => Math.Max(1, state.Issued + _random.Next(-2, 3)),
            1 => state.Quantity + _random.Next(sizes.QuantityMax),
            2 => Math.Max(1, state.Quantity - _random.Next(sizes.QuantityMax)),
            _ => quantity,
        };
    }

    // Small numbers are mostly zero bytes: what looks like a claim id stands in many wrong places of the stored coupons.
    private ulong ClaimId() => _random.Next(3) == 0 ? Bits(_random) : (ulong)_random.Next(sizes.ClaimIds);

    private string CampaignId() => $"campaign-{_random.Next(sizes.Campaigns)}";

    private static string UserId(int number) => number % 7 == 0
        ? $"{number}".PadRight(Identifier.LengthMax, 'x')
        : $"{number}";

    private static ulong Bits(Random random) => (ulong)random.NextInt64(long.MinValue, long.MaxValue);
}
