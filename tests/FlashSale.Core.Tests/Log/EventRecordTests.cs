using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Log;

public sealed class EventRecordTests
{
    private static readonly LogId Log = new(new Guid("11111111-2222-3333-4444-555555555555"));

    private static readonly EventRecord Event = new(
        new RecordId(0x0102030405060708), Log, new RecordPosition(0x0A0B0C0D0E0F, new RecordId(0x1112131415161718)), 1_000_000, 1_700_000_000_000,
        new byte[] { 0xC0, 0xC1, 0xC2 }, new byte[] { 0xD0, 0xD1 });

    [Fact]
    public void Encode_KnownEvent_GivesTheDocumentedBytes() => Assert.Equal(
        "4653" + "01" + "03" + "0102030405060708" // FS, version, kind, record id
        + "11111111222233334444555555555555" // log id
        + "0A0B0C0D0E0F" + "1112131415161718" // what is answered
        + "0000000F4240" + "018BCFE56800" // commands decided, told at
        + "00000003" + "C0C1C2" // the command record
        + "D0D1", // outcomes
        Convert.ToHexString(Event.Encode()));

    [Fact]
    public void Decode_EncodedEvent_IsTheSame() => AssertSame(Event, EventRecord.Decode(Event.Encode()));

    [Theory]
    [InlineData(0L, 0)]
    [InlineData((1L << 48) - 1, 400_000)]
    public void Decode_EventAtTheLimits_IsTheSame(long number, int size)
    {
        var told = Event with
        {
            Id = new RecordId(ulong.MaxValue),
            Answers = new RecordPosition(number, new RecordId(ulong.MaxValue)),
            Commands = number,
            ToldAtMs = number,
            Command = new byte[size],
            Outcomes = new byte[size],
        };
        AssertSame(told, EventRecord.Decode(told.Encode()));
    }

    [Fact]
    public void Decode_TruncatedBeforeTheOutcomes_IsRefused()
    {
        var bytes = Event.Encode();
        for (var length = 0; length < bytes.Length - Event.Outcomes.Length; length++)
            Assert.Throws<LogRefusedException>(() => EventRecord.Decode(bytes.AsMemory(0, length)));
    }

    [Fact]
    public void Decode_AnyByteChanged_IsReadOrRefused()
    {
        var bytes = Event.Encode();
        for (var i = 0; i < bytes.Length; i++)
        {
            for (var change = 1; change < 256; change++)
            {
                bytes[i] ^= (byte)change;
                try
                {
                    Assert.Equal(bytes, EventRecord.Decode(bytes).Encode());
                }
                catch (LogRefusedException)
                {
                    // As good: what may not happen is any other exception.
                }

                bytes[i] ^= (byte)change;
            }
        }
    }

    [Fact]
    public void Decode_NewerVersion_SaysToUpdate()
    {
        var bytes = Event.Encode();
        bytes[2] = RecordHeader.CurrentVersion + 1;
        Assert.Contains("update", Assert.Throws<LogRefusedException>(() => EventRecord.Decode(bytes)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RecordKind.Genesis)]
    [InlineData(RecordKind.Commands)]
    [InlineData(RecordKind.DeadLetter)]
    public void Decode_OtherKind_IsRefused(RecordKind kind)
    {
        var bytes = Event.Encode();
        bytes[3] = (byte)kind;
        Assert.Throws<LogRefusedException>(() => EventRecord.Decode(bytes));
    }

    private static void AssertSame(EventRecord expected, EventRecord actual)
    {
        Assert.Equal(expected.Command.ToArray(), actual.Command.ToArray());
        Assert.Equal(expected.Outcomes.ToArray(), actual.Outcomes.ToArray());
        Assert.Equal(expected with { Command = default, Outcomes = default }, actual with { Command = default, Outcomes = default });
    }
}
