using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Coupons;

/// <summary>Short forms for what the tests of the coupon machine are full of.</summary>
internal static class CouponTestData
{
    public static readonly LogId TestLog = new(new Guid("11111111-2222-3333-4444-555555555555"));

    public static readonly CampaignSeed Seed = new(new UInt128(0x0123456789ABCDEF, 0xFEDCBA9876543210));

    public static CampaignSettings Settings(int quantity, int perUser = 1, long opensAt = 0, long closesAt = 0, string description = "{}") =>
        new(quantity, perUser, opensAt, closesAt, System.Text.Encoding.UTF8.GetBytes(description));

    public static CouponCommand Open(string campaign, int quantity, int perUser = 1, long opensAt = 0, long closesAt = 0, string description = "{}", long at = 1_000) =>
        CouponCommand.Open(campaign, Settings(quantity, perUser, opensAt, closesAt, description), Seed, at);

    public static CouponCommand Change(string campaign, int quantity, int perUser = 1, long opensAt = 0, long closesAt = 0, string description = "{}", long at = 1_000) =>
        CouponCommand.Change(campaign, Settings(quantity, perUser, opensAt, closesAt, description), at);

    public static CouponCommand Close(string campaign, long at = 1_000) => CouponCommand.Close(campaign, at);

    public static CouponCommand Claim(string campaign, string user, ulong claimId, long at = 2_000) => CouponCommand.Claim(campaign, user, claimId, at);

    public static byte[] Record(ulong id, params IEnumerable<CouponCommand> commands)
    {
        var builder = new CouponRecordBuilder();
        foreach (var command in commands)
            Assert.True(builder.TryAdd(command, out _));
        return builder.Build(new RecordId(id));
    }

    /// <summary>The outcomes of a record, each with its sequence number (-1: none).</summary>
    public static List<(CouponOutcome Outcome, int Sequence)> Read(ReadOnlySpan<byte> outcomes)
    {
        var all = new List<(CouponOutcome, int)>();
        var reader = CouponOutcomes.Open(outcomes);
        while (reader.TryNext(out var outcome, out var sequence))
            all.Add((outcome, sequence));
        return all;
    }

    /// <summary>A command of a record as it was before it was encoded.</summary>
    public static CouponCommand Command(in CouponCommandView view, string[] campaigns) => new(
        view.Kind, campaigns[view.Campaign], view.InstantMs,
        view.Kind == CouponCommandKind.Claim ? System.Text.Encoding.ASCII.GetString(view.User) : null,
        view.ClaimId,
        view.Kind is CouponCommandKind.Open or CouponCommandKind.Change
            ? new CampaignSettings(view.Quantity, view.PerUser, view.OpensAtMs, view.ClosesAtMs, view.Description.ToArray())
            : null,
        view.Kind == CouponCommandKind.Open ? new CampaignSeed(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(view.Seed)) : default);

    public static List<CouponCommand> Commands(ReadOnlySpan<byte> record)
    {
        var all = new List<CouponCommand>();
        var reader = CouponRecord.Open(record);
        while (reader.TryNext(out var view))
            all.Add(Command(view, reader.Campaigns));
        return all;
    }
}
