using FlashSale.Core.Coupons;
using static FlashSale.Core.Tests.Coupons.CouponTestData;

namespace FlashSale.Core.Tests.Coupons;

public sealed class TicketSignerTests
{
    private const string Base64UrlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private static readonly byte[] Secret = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] OtherSecret = [.. Enumerable.Range(100, 32).Select(i => (byte)i)];

    private readonly TicketSigner _signer = new([(1, Secret)]);

    [Fact]
    public void Sign_KnownTicket_NeverChanges() => Assert.Equal(
        "AQERERERIiIzM0REVVVVVVVVAAcAAAAB4kAAKgAAAAAAAABjAYvP5WgAAAAATEtABHNhbGUGdXNlci0xlF-aVDF1PPF-M-dC5GhM9A", _signer.Sign(Ticket("sale", "user-1")));

    [Fact]
    public void Sign_BehindAPath_IsThePathAndTheTicket() =>
        Assert.Equal("/at/" + _signer.Sign(Ticket("sale", "user-1")), _signer.Sign(Ticket("sale", "user-1"), "/at/"));

    [Fact]
    public void TryRead_SignedTicket_IsTheSame()
    {
        const long largest = (1L << 48) - 1;
        var longest = new string('x', Identifier.LengthMax);
        Ticket[] tickets =
        [
            Ticket("sale", "user-1"), Ticket("a", "b"), Ticket(longest, longest),
            new(new ClaimQuestion(TestLog, 1_023, largest, 1_999, longest, longest, ulong.MaxValue, largest), largest),
            new(new ClaimQuestion(default, 0, 0, 0, "a", "b", 0, 0), 0),
        ];
        foreach (var ticket in tickets)
        {
            var text = _signer.Sign(ticket);
            Assert.All(text, c => Assert.Contains(c, Base64UrlAlphabet));
            Assert.True(_signer.TryRead(text, out var read));
            Assert.Equal(ticket, read);
        }
    }

    /// <summary>Three lengths, so that the last character holds 6, 4 and 2 bits of the ticket.</summary>
    [Theory]
    [InlineData("u")]
    [InlineData("us")]
    [InlineData("use")]
    public void TryRead_AnyCharacterChanged_IsRefused(string user)
    {
        var text = _signer.Sign(Ticket("sale", user));
        for (var i = 0; i < text.Length; i++)
        {
            foreach (var other in (Base64UrlAlphabet + "+/=. \n\0ä").Where(c => c != text[i]))
                AssertRefused(text[..i] + other + text[(i + 1)..]);
        }
    }

    [Theory]
    [InlineData("u")]
    [InlineData("us")]
    [InlineData("use")]
    public void TryRead_AnythingAddedOrRemoved_IsRefused(string user)
    {
        var text = _signer.Sign(Ticket("sale", user));
        for (var i = 0; i <= text.Length; i++)
        {
            foreach (var added in new[] { "A", "=", "==", " ", "\n", "\t", "%", "-", "\0" })
                AssertRefused(text[..i] + added + text[i..]);
            if (i < text.Length)
            {
                AssertRefused(text[..i] + text[(i + 1)..]);
                AssertRefused(text[..i]);
            }
        }
    }

    [Fact]
    public void TryRead_SignedWithAnotherSecret_IsRefused() =>
        Assert.False(new TicketSigner([(1, OtherSecret)]).TryRead(_signer.Sign(Ticket("sale", "a")), out _));

    [Fact]
    public void TryRead_KeyNotKnown_IsRefused() =>
        Assert.False(new TicketSigner([(2, Secret)]).TryRead(_signer.Sign(Ticket("sale", "a")), out _));

    [Fact]
    public void TryRead_KeysChanged_OldTicketsHoldAndNewOnesAreSignedAnew()
    {
        var old = _signer.Sign(Ticket("sale", "a"));
        var rotated = new TicketSigner([(2, OtherSecret), (1, Secret)]);
        Assert.True(rotated.TryRead(old, out var read));
        Assert.Equal(Ticket("sale", "a"), read);

        var signed = rotated.Sign(Ticket("sale", "a"));
        Assert.NotEqual(old, signed);
        Assert.False(_signer.TryRead(signed, out _));
        Assert.True(new TicketSigner([(2, OtherSecret)]).TryRead(signed, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("AAAA")]
    [InlineData("not a ticket")]
    [InlineData("....")]
    [InlineData("ÄÖÜ")]
    public void TryRead_Garbage_IsRefused(string text) => AssertRefused(text);

    [Fact]
    public void TryRead_AnyLengthOfNothing_IsRefused()
    {
        for (var length = 0; length < 600; length++)
        {
            AssertRefused(new string('A', length));
            AssertRefused(new string('_', length));
        }

        AssertRefused(new string('A', 1_000_000));
        AssertRefused(new string(' ', 1_000_000));
    }

    [Fact]
    public void TryRead_RandomBytes_AreRefused()
    {
        var random = new Random(3);
        for (var n = 0; n < 20_000; n++)
        {
            var bytes = new byte[random.Next(300)];
            random.NextBytes(bytes);
            if (bytes.Length > 2)
                (bytes[0], bytes[1]) = (1, 1);
            AssertRefused(System.Buffers.Text.Base64Url.EncodeToString(bytes));
        }
    }

    [Fact]
    public void Constructor_BadKeys_Throws()
    {
        Assert.Throws<ArgumentException>(() => new TicketSigner([]));
        Assert.Throws<ArgumentException>(() => new TicketSigner([(1, new byte[15])]));
        Assert.Throws<ArgumentException>(() => new TicketSigner([(1, Secret), (1, OtherSecret)]));
    }

    private static Ticket Ticket(string campaign, string user) => new(new ClaimQuestion(TestLog, 7, 123_456, 42, campaign, user, 99, 1_700_000_000_000), 5_000_000);

    private void AssertRefused(string text)
    {
        Assert.False(_signer.TryRead(text, out var ticket), $"accepted: {text.Length} characters {(text.Length < 300 ? text : "")}");
        Assert.Null(ticket);
    }
}
