using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Ledger;

/// <summary>Makes the events of a partition as an engine would, from commands.</summary>
internal sealed class CouponEvents
{
    public static readonly LogId Log = new(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"));
    public static readonly CampaignSeed Seed = new(42);

    private readonly CouponModel _model = new();
    private long _commands;
    private ulong _claims;

    /// <summary>Offset of the last command record.</summary>
    public long Offset { get; private set; }

    public static RecordId RecordAt(long offset) => new(0xABCD_0000UL + (ulong)offset);

    public static CouponCommand Open(string campaign, int quantity, string description = "{}") =>
        CouponCommand.Open(campaign, Settings(quantity, description), Seed, 1_000);

    public static CouponCommand Change(string campaign, int quantity, string description) =>
        CouponCommand.Change(campaign, Settings(quantity, description), 1_500);

    public CouponCommand Claim(string campaign, string user) => CouponCommand.Claim(campaign, user, ++_claims, 2_000);

    public List<CouponCommand> Claims(string campaign, int users) =>
        [.. Enumerable.Range(0, users).Select(_ => Claim(campaign, $"u{_claims}"))];

    /// <summary>The event that answers the next command record, which holds these commands.</summary>
    public byte[] Next(params IEnumerable<CouponCommand> commands)
    {
        var builder = new CouponRecordBuilder();
        foreach (var command in commands)
            Assert.True(builder.TryAdd(command, out _));
        var record = builder.Build(RecordAt(++Offset));
        var info = CouponRecord.Inspect(record);
        _commands += info.Commands;
        return Event(Offset, record, _model.Apply(Offset, info, record));
    }

    /// <summary>The event that answers bytes that are no record.</summary>
    public byte[] NextUndecodable()
    {
        _commands++;
        return Event(++Offset, default, CouponOutcomes.OfUndecodable());
    }

    /// <summary>The event that answers a second genesis record.</summary>
    public byte[] NextEmpty() => Event(++Offset, default, CouponOutcomes.OfEmpty());

    public byte[] Event(long answers, ReadOnlyMemory<byte> command, ReadOnlyMemory<byte> outcomes, LogId? log = null, RecordId? record = null) => new EventRecord(
        new RecordId((ulong)answers), log ?? Log, new RecordPosition(answers, record ?? RecordAt(answers)), _commands, ToldAtMs: 3_000 + answers, command, outcomes).Encode();

    private static CampaignSettings Settings(int quantity, string description) => new(quantity, 1, 0, 0, Encoding.UTF8.GetBytes(description));
}
