using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using static FlashSale.Core.Tests.Coupons.CouponTestData;

namespace FlashSale.Core.Tests.Coupons;

public sealed class CouponRecordTests
{
    private static readonly string LongestId = new('x', Identifier.LengthMax);

    private static readonly CouponCommand[] OneOfEach =
    [
        CouponCommand.Open("sale", new CampaignSettings(1_000, 2, 0x0A0B, 0x0C0D, "{\"name\":\"S\"}"u8.ToArray()), Seed, 0x018B_CFE5_6800),
        CouponCommand.Change("sale", new CampaignSettings(2_000, 3, 0, 0, "{}"u8.ToArray()), 0x018B_CFE5_6801),
        CouponCommand.Claim("b", "user-1", 0x2122232425262728, 0x018B_CFE5_6802),
        CouponCommand.Close("sale", 0x018B_CFE5_6803),
    ];

    [Fact]
    public void Build_OneCommandOfEachKind_GivesTheDocumentedBytes() => Assert.Equal(
        "4653" + "01" + "02" + "0102030405060708" // FS, version, kind, record id
        + "0002" + "04" + "73616C65" + "01" + "62" // campaigns: sale, b
        + "0004" // commands
        + "01" + "0000" + "018BCFE56800" + "000003E8" + "0002" + "000000000A0B" + "000000000C0D"
        + "0123456789ABCDEFFEDCBA9876543210" + "000C" + "7B226E616D65223A2253227D" // open: seed, description
        + "02" + "0000" + "018BCFE56801" + "000007D0" + "0003" + "000000000000" + "000000000000" + "0002" + "7B7D" // change
        + "07" + "0001" + "018BCFE56802" + "2122232425262728" + "06" + "757365722D31" // claim
        + "03" + "0000" + "018BCFE56803", // close
        Convert.ToHexString(Record(0x0102030405060708, OneOfEach)));

    [Fact]
    public void Open_OneCommandOfEachKind_IsTheSame()
    {
        var record = Record(9, OneOfEach);
        Assert.Equal(new CommandRecordInfo(CommandRecordState.Readable, new RecordId(9), 4), CouponRecord.Inspect(record));
        Assert.Equal(OneOfEach, Commands(record));
    }

    [Fact]
    public void Open_ValuesAtTheLimits_AreTheSame()
    {
        const long instantMax = (1L << 48) - 1;
        var settings = new CampaignSettings(
            CouponLimits.QuantityMax, CouponLimits.PerUserMax, instantMax, instantMax, new byte[CouponLimits.DescriptionBytesMax]);
        CouponCommand[] commands =
        [
            CouponCommand.Open(LongestId, settings, new CampaignSeed(UInt128.MaxValue), instantMax),
            CouponCommand.Change("a", settings with { Quantity = 1, PerUser = 1, OpensAtMs = 0, ClosesAtMs = 0, Description = default }, 0),
            CouponCommand.Claim(LongestId, LongestId, ulong.MaxValue, instantMax),
            CouponCommand.Claim("a", "u", 0, 0),
        ];
        var record = Record(ulong.MaxValue, commands);
        Assert.Equal(CommandRecordState.Readable, CouponRecord.Inspect(record).State);
        Assert.Equal(commands, Commands(record));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(CouponLimits.QuantityMax + 1, 1)]
    [InlineData(-1, 1)]
    [InlineData(1, 0)]
    [InlineData(1, CouponLimits.PerUserMax + 1)]
    public void Inspect_SettingsOutOfBounds_IsUndecodable(int quantity, int perUser)
    {
        var record = Record(1, Change("s", 1));
        var settings = record.AsSpan(12 + 2 + 2 + 2 + 9);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(settings, quantity);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(settings[4..], (ushort)perUser);
        AssertUndecodable(record);
    }

    [Fact]
    public void Inspect_DescriptionOverTheBound_IsUndecodable()
    {
        var builder = new RecordWriter(8_192);
        RecordHeader.Write(ref builder, RecordKind.Commands, new RecordId(1));
        builder.Bytes([0, 1, 1, (byte)'s', 0, 1, (byte)CouponCommandKind.Change, 0, 0]);
        builder.UInt48(5);
        builder.UInt32(1);
        builder.UInt16(1);
        builder.UInt48(0);
        builder.UInt48(0);
        builder.UInt16(CouponLimits.DescriptionBytesMax + 1);
        builder.Reserve(CouponLimits.DescriptionBytesMax + 1);
        AssertUndecodable(builder.ToArray());
    }

    [Fact]
    public void Inspect_MoreCommandsThanARecordMayHold_IsUndecodable()
    {
        Assert.Equal(CommandRecordState.Readable, CouponRecord.Inspect(Closes(CouponLimits.RecordCommandsMax, 1)).State);
        AssertUndecodable(Closes(CouponLimits.RecordCommandsMax + 1, 1));
        AssertUndecodable(Closes(0, 1));
    }

    [Fact]
    public void Inspect_MoreCampaignsThanARecordMayHold_IsUndecodable()
    {
        Assert.Equal(CommandRecordState.Readable, CouponRecord.Inspect(Closes(1, CouponLimits.RecordCampaignsMax)).State);
        AssertUndecodable(Closes(1, CouponLimits.RecordCampaignsMax + 1));
        AssertUndecodable(Closes(1, 0));
    }

    [Fact]
    public void Inspect_LongerThanAnyRecordOfABuilder_IsUndecodable()
    {
        // Layout and counts are fine; only the size is not.
        var writer = new RecordWriter(500_000);
        RecordHeader.Write(ref writer, RecordKind.Commands, new RecordId(1));
        writer.Bytes([0, 1, 1, (byte)'s', 0, 100]);
        for (var i = 0; i < 100; i++)
        {
            writer.Byte((byte)CouponCommandKind.Change);
            writer.UInt16(0);
            writer.UInt48(5);
            writer.UInt32(1);
            writer.UInt16(1);
            writer.UInt48(0);
            writer.UInt48(0);
            writer.UInt16(CouponLimits.DescriptionBytesMax);
            writer.Reserve(CouponLimits.DescriptionBytesMax);
        }

        Assert.True(writer.Length > CouponLimits.RecordBytesMax);
        AssertUndecodable(writer.ToArray());
    }

    [Fact]
    public void Inspect_NewerVersion_IsToldAsSuchWhateverFollows()
    {
        var record = Record(5, OneOfEach);
        record[2] = RecordHeader.CurrentVersion + 1;
        for (var length = RecordHeader.Size; length <= record.Length; length++)
            Assert.Equal(new CommandRecordInfo(CommandRecordState.NewerVersion, new RecordId(5), 0), CouponRecord.Inspect(record.AsSpan(0, length)));
    }

    [Theory]
    [InlineData(RecordKind.Event)]
    [InlineData(RecordKind.DeadLetter)]
    [InlineData((RecordKind)0)]
    [InlineData((RecordKind)255)]
    public void Inspect_OtherKind_IsUndecodable(RecordKind kind)
    {
        var record = Record(5, OneOfEach);
        record[3] = (byte)kind;
        AssertUndecodable(record);
        Assert.Throws<InvalidOperationException>(() => CouponRecord.Open(record).Count);
    }

    [Fact]
    public void Inspect_AnyTruncation_IsUndecodable()
    {
        var record = Record(5, OneOfEach);
        for (var length = 0; length < record.Length; length++)
            AssertUndecodable(record.AsSpan(0, length));
        AssertUndecodable([.. record, 0]);
    }

    [Fact]
    public void Inspect_AnyByteChanged_IsReadableWithinItsBoundsOrUndecodable()
    {
        var record = Record(5, OneOfEach);
        for (var i = 0; i < record.Length; i++)
        {
            for (var change = 1; change < 256; change++)
            {
                record[i] ^= (byte)change;
                AssertSound(record);
                record[i] ^= (byte)change;
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Inspect_HundredThousandMutations_AreReadableWithinTheirBoundsOrUndecodable(int seed)
    {
        var random = new Random(seed);
        var records = new[]
        {
            Record(1, OneOfEach),
            Record(2, Enumerable.Range(0, 30).Select(i => Claim($"c{i % 3}", $"user-{i}", (ulong)i))),
            Record(3, Open(LongestId, 5, description: new string('d', 300)), Claim(LongestId, LongestId, 3), Close("z")),
        };
        var readable = 0;
        for (var n = 0; n < 100_000; n++)
        {
            var bytes = records[random.Next(records.Length)].ToList();
            for (var mutations = random.Next(1, 4); mutations > 0 && bytes.Count > 0; mutations--)
                Mutate(bytes, random);
            try
            {
                if (AssertSound([.. bytes]))
                    readable++;
            }
            catch (Exception fault) when (fault is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}, mutation {n}, {Convert.ToHexString([.. bytes])}: {fault}");
            }
        }

        // Both sides of the property were met.
        Assert.InRange(readable, 10_000, 90_000);
    }

    private static void Mutate(List<byte> bytes, Random random)
    {
        var at = random.Next(bytes.Count);
        switch (random.Next(7))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes[at] = random.Next(2) == 0 ? (byte)0 : (byte)255;
                break;
            case 3:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 4:
                bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at));
                break;
            case 5:
                bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 60), bytes.Count - at)));
                break;
            default:
                bytes.Insert(at, (byte)random.Next(256));
                break;
        }
    }

    /// <summary>Whatever <see cref="CouponRecord.Inspect"/> says must hold for those who trust it. Whether the record is readable.</summary>
    private static bool AssertSound(ReadOnlySpan<byte> record)
    {
        var info = CouponRecord.Inspect(record);
        Assert.Equal(info, CouponRecord.Inspect(record));
        if (info.State != CommandRecordState.Readable)
        {
            Assert.Equal(info.State == CommandRecordState.Undecodable ? 1 : 0, info.Commands);
            if (info.State == CommandRecordState.Undecodable)
                Assert.Equal([(CouponOutcome.Undecodable, -1)], Read(new CouponModel().Apply(1, info, record)));
            return false;
        }

        var commands = CouponRecord.Open(record);
        Assert.Equal((info.Id, info.Commands), (commands.Id, commands.Count));
        Assert.InRange(commands.Count, 1, CouponLimits.RecordCommandsMax);
        Assert.All(commands.Campaigns, c => Assert.True(Identifier.IsValid(c)));
        for (var i = 0; i < info.Commands; i++)
        {
            Assert.True(commands.TryNext(out var command));
            AssertWithinBounds(command, commands.Campaigns.Length);
        }

        Assert.False(commands.TryNext(out _));
        Assert.Equal(info.Commands, Read(new CouponModel().Apply(1, info, record)).Count);
        return true;
    }

    private static void AssertWithinBounds(in CouponCommandView command, int campaigns)
    {
        Assert.InRange(command.Campaign, 0, campaigns - 1);
        Assert.InRange(command.InstantMs, 0, (1L << 48) - 1);
        switch (command.Kind)
        {
            case CouponCommandKind.Claim:
                Assert.True(Identifier.IsValid(command.User));
                break;
            case CouponCommandKind.Close:
                break;
            default:
                Assert.True(command.Kind is CouponCommandKind.Open or CouponCommandKind.Change);
                Assert.InRange(command.Quantity, 1, CouponLimits.QuantityMax);
                Assert.InRange(command.PerUser, 1, CouponLimits.PerUserMax);
                Assert.InRange(command.Description.Length, 0, CouponLimits.DescriptionBytesMax);
                Assert.Equal(command.Kind == CouponCommandKind.Open ? CampaignSeed.Size : 0, command.Seed.Length);
                break;
        }
    }

    private static void AssertUndecodable(ReadOnlySpan<byte> record) =>
        Assert.Equal(new CommandRecordInfo(CommandRecordState.Undecodable, new RecordId(MachineTopics.Fnv1A(record)), 1), CouponRecord.Inspect(record));

    /// <summary>A record of close commands for the first of some campaigns, put together without the builder's bounds.</summary>
    private static byte[] Closes(int commands, int campaigns)
    {
        var writer = new RecordWriter(64);
        RecordHeader.Write(ref writer, RecordKind.Commands, new RecordId(1));
        writer.UInt16(campaigns);
        for (var i = 0; i < campaigns; i++)
            writer.Bytes([4, .. System.Text.Encoding.ASCII.GetBytes(i.ToString("d4"))]);
        writer.UInt16(commands);
        for (var i = 0; i < commands; i++)
        {
            writer.Byte((byte)CouponCommandKind.Close);
            writer.UInt16(0);
            writer.UInt48(5);
        }

        return writer.ToArray();
    }
}
