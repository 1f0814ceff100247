using System.Globalization;
using FlashSale.Core;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Measure.Twins;

/// <summary>Command records as the door writes them, user ids of 12 characters.</summary>
internal static class Records
{
    public static CouponCommand Open(string campaign) => CouponCommand.Open(
        campaign, new CampaignSettings(CouponLimits.QuantityMax, 1, 0, 0, "{}"u8.ToArray()), new CampaignSeed(new UInt128(1, 2)), NowMs());

    public static CouponCommand Claim(string campaign, int user) =>
        CouponCommand.Claim(campaign, string.Create(CultureInfo.InvariantCulture, $"user{user:D8}"), (ulong)user + 1, NowMs());

    public static byte[] Encode(IEnumerable<CouponCommand> commands)
    {
        var builder = new CouponRecordBuilder();
        foreach (var command in commands)
        {
            if (!builder.TryAdd(command, out _))
                throw new ArgumentException("more commands than a record holds", nameof(commands));
        }

        return builder.Build(new RecordId(RandomIds.Shared.Next()));
    }

    public static CommandToApply ToApply(long offset, params IEnumerable<CouponCommand> commands)
    {
        var record = Encode(commands);
        return new CommandToApply(offset, CouponRecord.Inspect(record), record);
    }

    private static long NowMs() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
}
