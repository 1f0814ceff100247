using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Benchmarks;

/// <summary>Records and commands as a storm makes them: one campaign, user ids of 12 characters.</summary>
internal static class Sample
{
    public const string Campaign = "spring-sale";

    public const long InstantMs = 1_790_000_000_000;

    public static readonly LogId Log = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"));

    public static string User(int number) => $"user{number:D8}";

    public static CouponCommand Claim(int number) => CouponCommand.Claim(Campaign, User(number), (ulong)number + 1, InstantMs);

    public static CouponCommand Open { get; } = OpenWith(CouponLimits.QuantityMax);

    public static CouponCommand OpenWith(int quantity) =>
        CouponCommand.Open(Campaign, new CampaignSettings(quantity, 1, 0, 0, "{}"u8.ToArray()), new CampaignSeed(new UInt128(1, 2)), InstantMs);

    public static byte[] Record(long offset, IEnumerable<CouponCommand> commands)
    {
        var builder = new CouponRecordBuilder();
        foreach (var command in commands)
        {
            if (!builder.TryAdd(command, out _))
                throw new ArgumentException("more commands than a record holds", nameof(commands));
        }

        return builder.Build(Id(offset));
    }

    public static CommandToApply ToApply(long offset, IEnumerable<CouponCommand> commands)
    {
        var record = Record(offset, commands);
        return new CommandToApply(offset, CouponRecord.Inspect(record), record);
    }

    public static RecordId Id(long offset) => new(0xABCD_0000_0000_0000UL + (ulong)offset);

    /// <summary>Consecutive records of distinct users, the first at offset 2 (0 is the genesis, 1 opens the campaign).</summary>
    public static List<CommandToApply> Claims(int records, int commandsEach) =>
        [.. Enumerable.Range(0, records).Select(r => ToApply(r + 2, Enumerable.Range(r * commandsEach, commandsEach).Select(Claim)))];
}
