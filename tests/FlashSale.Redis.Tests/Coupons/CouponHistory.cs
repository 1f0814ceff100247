using FlashSale.Core;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Redis.Tests.Coupons;

/// <summary>What a history is drawn from. Small sets, so that commands meet.</summary>
internal sealed record CouponHistorySizes(
    int Campaigns = 6, int Users = 40, int ClaimIds = 200, int QuantityMax = 60, int PerUserMax = 4, int RecordCommandsMax = 60, int BatchRecordsMax = 6);

/// <summary>Random command records of one partition, the same for the same seed.</summary>
internal sealed class CouponHistory(int seed, CouponHistorySizes sizes)
{
    private const long Start = 1_790_000_000_000;

    private readonly Random _random = new(seed);
    private long _offset;
    private long _now = Start;

    public GenesisRecord Genesis { get; } = new(
        new RecordId(Bits(new Random(~seed))), new LogId(new Guid(seed, 7, 7, 1, 2, 3, 4, 5, 6, 7, 8)), "coupon", 0, 1, MachineTopics.KeyHash, GenesisRecord.RulesCurrent);

    public List<ClaimQuestion> Claims { get; } = [];

    public IEnumerable<string> UserIds => Enumerable.Range(0, sizes.Users).Select(UserId);

    public int Commands { get; private set; }

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
        var count = _random.Next(4) == 0 ? 1 : 1 + _random.Next(sizes.RecordCommandsMax);
        var same = _random.Next(2) == 0 ? CampaignId() : null;
        for (var i = 0; i < count; i++)
        {
            _now += _random.Next(20);
            var command = Command(same ?? CampaignId());
            if (!builder.TryAdd(command, out var index))
                break;
            if (command.Kind == CouponCommandKind.Claim)
                Claims.Add(new ClaimQuestion(Genesis.Log, 0, _offset, index, command.CampaignId, command.UserId!, command.ClaimId, command.InstantMs));
        }

        return builder.Build(new RecordId(Bits(_random)));
    }

    private CouponCommand Command(string campaignId) => _random.Next(50) switch
    {
        0 or 1 => CouponCommand.Open(campaignId, Settings(), new CampaignSeed(Bits(_random)), _now),
        2 or 3 => CouponCommand.Change(campaignId, Settings(), _now),
        4 => CouponCommand.Close(campaignId, _now),
        _ => CouponCommand.Claim(campaignId, UserId(_random.Next(sizes.Users)), ClaimId(), _now),
    };

    private CampaignSettings Settings()
    {
        var opens = _random.Next(3) == 0 ? _now + _random.Next(-2_000, 2_000) : 0;
        var closes = _random.Next(3) == 0 ? _now + _random.Next(-500, 6_000) : 0;
        var description = new byte[_random.Next(3) switch { 0 => 0, 1 => 5, _ => _random.Next(300) }];
        return new CampaignSettings(1 + _random.Next(sizes.QuantityMax), 1 + _random.Next(sizes.PerUserMax), opens, closes, description);
    }

    // Small numbers are mostly zero bytes: what looks like a claim id stands in many wrong places of the stored coupons.
    private ulong ClaimId() => _random.Next(3) == 0 ? Bits(_random) : (ulong)_random.Next(sizes.ClaimIds);

    private string CampaignId() => $"campaign-{_random.Next(sizes.Campaigns)}";

    private static string UserId(int number) => number % 7 == 0
        ? $"{number}".PadRight(Identifier.LengthMax, 'x')
        : $"{number}";

    private static ulong Bits(Random random) => (ulong)random.NextInt64(long.MinValue, long.MaxValue);
}
