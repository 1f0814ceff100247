using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Log;

public sealed class DeadLetterRecordTests
{
    private static readonly DeadLetterRecord Letter = new(
        new RecordId(0x0102030405060708), new LogId(new Guid("11111111-2222-3333-4444-555555555555")), 3, 77, "undecodable", new byte[] { 1, 2, 3 });

    [Fact]
    public void Encode_KnownLetter_GivesTheDocumentedBytes() => Assert.Equal(
        "4653" + "01" + "04" + "0102030405060708" // FS, version, kind, record id
        + "11111111222233334444555555555555" // log id
        + "0003" + "00000000004D" // partition, offset
        + "000B" + "756E6465636F6461626C65" // undecodable
        + "010203", // the record
        Convert.ToHexString(Letter.Encode()));

    [Theory]
    [InlineData(0)]
    [InlineData(1_000_000)]
    public void TryDecode_EncodedLetter_IsTheSame(int size)
    {
        var letter = Letter with { Payload = new byte[size], Offset = (1L << 48) - 1, Partition = ushort.MaxValue };
        var decoded = DeadLetterRecord.TryDecode(letter.Encode())!;
        Assert.Equal(letter.Payload.ToArray(), decoded.Payload.ToArray());
        Assert.Equal(letter with { Payload = default }, decoded with { Payload = default });
    }

    [Fact]
    public void TryDecode_TruncatedBeforeThePayload_IsNull()
    {
        var bytes = Letter.Encode();
        for (var length = 0; length < bytes.Length - Letter.Payload.Length; length++)
            Assert.Null(DeadLetterRecord.TryDecode(bytes.AsMemory(0, length)));
    }

    [Fact]
    public void TryDecode_AnyByteChanged_NeverThrows()
    {
        var bytes = Letter.Encode();
        for (var i = 0; i < bytes.Length; i++)
        {
            for (var change = 1; change < 256; change++)
            {
                bytes[i] ^= (byte)change;
                DeadLetterRecord.TryDecode(bytes);
                bytes[i] ^= (byte)change;
            }
        }
    }

    [Fact]
    public void TryDecode_NewerVersion_IsNull()
    {
        var bytes = Letter.Encode();
        bytes[2] = RecordHeader.CurrentVersion + 1;
        Assert.Null(DeadLetterRecord.TryDecode(bytes));
    }
}
