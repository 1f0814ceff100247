using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Log;

public sealed class GenesisRecordTests
{
    private static readonly GenesisRecord Genesis = new(
        new RecordId(0x0102030405060708), new LogId(new Guid("11111111-2222-3333-4444-555555555555")), "coupon", 7, 16, MachineTopics.KeyHash, 1);

    [Fact]
    public void Encode_KnownGenesis_GivesTheDocumentedBytes() => Assert.Equal(
        "4653" + "01" + "01" + "0102030405060708" // FS, version, kind, record id
        + "11111111222233334444555555555555" // log id
        + "0007" + "0010" + "0001" // partition, partitions, rules
        + "06" + "636F75706F6E" // coupon
        + "08" + "666E7631612D3634", // fnv1a-64
        Convert.ToHexString(Genesis.Encode()));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1_023, 1_024)]
    public void TryDecode_EncodedGenesis_IsTheSame(int partition, int partitions)
    {
        var genesis = Genesis with { Partition = partition, Partitions = partitions };
        Assert.Equal(genesis, GenesisRecord.TryDecode(genesis.Encode()));
    }

    [Fact]
    public void TryDecode_AnyTruncationOrLongerBytes_IsNull()
    {
        var bytes = Genesis.Encode();
        for (var length = 0; length < bytes.Length; length++)
            Assert.Null(GenesisRecord.TryDecode(bytes.AsSpan(0, length)));
        Assert.Null(GenesisRecord.TryDecode([.. bytes, 0]));
    }

    [Fact]
    public void TryDecode_AnyByteChanged_NeverThrows()
    {
        var bytes = Genesis.Encode();
        for (var i = 0; i < bytes.Length; i++)
        {
            for (var change = 1; change < 256; change++)
            {
                bytes[i] ^= (byte)change;
                if (GenesisRecord.TryDecode(bytes) is { } decoded)
                    Assert.NotEqual(Genesis, decoded);
                bytes[i] ^= (byte)change;
            }
        }
    }

    [Fact]
    public void TryDecode_NewerVersionOrOtherKind_IsNull()
    {
        var newer = Genesis.Encode();
        newer[2] = RecordHeader.CurrentVersion + 1;
        Assert.Null(GenesisRecord.TryDecode(newer));

        var commands = Genesis.Encode();
        commands[3] = (byte)RecordKind.Commands;
        Assert.Null(GenesisRecord.TryDecode(commands));
    }

    [Fact]
    public void Inspect_SecondGenesisAmongCommands_IsEmpty() => Assert.Equal(
        new CommandRecordInfo(CommandRecordState.Empty, Genesis.Id, 0), CouponRecord.Inspect(Genesis.Encode()));
}
