using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using static FlashSale.Core.Tests.Coupons.CouponTestData;

namespace FlashSale.Core.Tests.Coupons;

public sealed class CouponRecordBuilderTests
{
    private static readonly string LongestId = new('x', Identifier.LengthMax);

    [Fact]
    public void TryAdd_EmptyRecord_TakesTheLargestOfEachKind()
    {
        var settings = new CampaignSettings(CouponLimits.QuantityMax, CouponLimits.PerUserMax, 0, 0, new byte[CouponLimits.DescriptionBytesMax]);
        CouponCommand[] largest =
        [
            CouponCommand.Open(LongestId, settings, Seed, 1), CouponCommand.Change(LongestId, settings, 1),
            CouponCommand.Close(LongestId, 1), CouponCommand.Claim(LongestId, LongestId, ulong.MaxValue, 1),
        ];
        foreach (var command in largest)
            Assert.Equal([command], Commands(Record(1, command)));
    }

    [Fact]
    public void TryAdd_ManySmallCommands_RefusesAtTheCount()
    {
        var builder = new CouponRecordBuilder();
        for (var i = 0; i < CouponLimits.RecordCommandsMax; i++)
        {
            Assert.True(builder.TryAdd(Claim("sale", $"u{i}", (ulong)i), out var index));
            Assert.Equal(i, index);
        }

        AssertRefuses(builder, Claim("sale", "late", 1));
    }

    [Fact]
    public void TryAdd_LargeCommands_RefusesBeforeTheSize()
    {
        var builder = new CouponRecordBuilder();
        var large = Change("sale", 1, description: new string('d', CouponLimits.DescriptionBytesMax));
        while (builder.TryAdd(large, out _))
            Assert.True(builder.Count < CouponLimits.RecordCommandsMax);

        Assert.InRange(builder.Bytes, CouponLimits.RecordBytesMax - 2 * CouponLimits.DescriptionBytesMax, CouponLimits.RecordBytesMax);
        AssertRefuses(builder, large);
    }

    [Fact]
    public void TryAdd_SmallCommandsUpToTheSize_NeverPassIt()
    {
        var builder = new CouponRecordBuilder();
        for (var i = 0; builder.TryAdd(Change(LongestId[..60] + i.ToString("d4"), 1, description: new string('d', i % 300)), out _); i++)
            Assert.Equal(builder.Bytes, builder.Build(new RecordId(1)).Length);
        Assert.InRange(builder.Bytes, CouponLimits.RecordBytesMax - 600, CouponLimits.RecordBytesMax);
        Assert.Equal(CommandRecordState.Readable, CouponRecord.Inspect(builder.Build(new RecordId(1))).State);
    }

    [Fact]
    public void TryAdd_ManyCampaigns_KeepsEachNameOnce()
    {
        var commands = Enumerable.Range(0, CouponLimits.RecordCommandsMax).Select(i => Claim($"c{i * 7 % 5}", $"u{i}", (ulong)i)).ToList();
        var record = Record(1, commands);
        Assert.Equal(["c0", "c2", "c4", "c1", "c3"], CouponRecord.Open(record).Campaigns);
        Assert.Equal(commands, Commands(record));
    }

    [Fact]
    public void TryAdd_AsManyCampaignsAsCommands_TakesThemAll()
    {
        var commands = Enumerable.Range(0, CouponLimits.RecordCampaignsMax).Select(i => Close($"campaign-{i}")).ToList();
        Assert.Equal(commands, Commands(Record(1, commands)));
    }

    [Fact]
    public void TryAdd_InvalidCommand_ThrowsAndLeavesTheRecordAsItIs()
    {
        CouponCommand[] invalid =
        [
            Claim("sale", "no spaces", 1), Claim("sale", "", 1), Claim("sale", new string('u', 65), 1), Claim("sale", "ü", 1),
            Claim("", "u", 1), Claim(new string('c', 300), "u", 1), Claim("sale", "u", 1, at: -1), Claim("sale", "u", 1, at: 1L << 48),
            Close("sale/2"), Close("sale", at: -1),
            Change("new", 0), Change("new", CouponLimits.QuantityMax + 1), Change("new", 1, perUser: 0), Change("new", 1, perUser: CouponLimits.PerUserMax + 1),
            Change("new", 1, opensAt: -1), Change("new", 1, closesAt: 1L << 48), Open("new", 1, description: new string('d', CouponLimits.DescriptionBytesMax + 1)),
            new(CouponCommandKind.Open, "new", 1), new(CouponCommandKind.Claim, "new", 1), new((CouponCommandKind)4, "new", 1),
        ];
        var builder = new CouponRecordBuilder();
        Assert.True(builder.TryAdd(Claim("sale", "a", 1), out _));
        foreach (var command in invalid)
            Assert.ThrowsAny<ArgumentException>(() => builder.TryAdd(command, out _));
        Assert.True(builder.TryAdd(Claim("sale", "b", 2), out var index));

        Assert.Equal(1, index);
        var record = builder.Build(new RecordId(1));
        Assert.Equal(CommandRecordState.Readable, CouponRecord.Inspect(record).State);
        Assert.Equal([Claim("sale", "a", 1), Claim("sale", "b", 2)], Commands(record));
    }

    private static void AssertRefuses(CouponRecordBuilder builder, CouponCommand command)
    {
        var before = builder.Build(new RecordId(1));
        Assert.False(builder.TryAdd(command, out _));
        Assert.Equal(before, builder.Build(new RecordId(1)));
        Assert.Equal(CommandRecordState.Readable, CouponRecord.Inspect(before).State);
    }
}
