using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;
using static FlashSale.Core.Tests.Coupons.CouponTestData;

namespace FlashSale.Core.Tests.Coupons;

public sealed class CouponCodeTests : IDisposable
{
    private const string Alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

    private readonly CouponCode _codes = new(Seed);

    public void Dispose() => _codes.Dispose();

    /// <summary>Codes are recomputed from the log at every replay: with other values people would hold coupons that are none.</summary>
    [Theory]
    [InlineData(0, 0, 0, "22222AVBN6WJBF4Z")]
    [InlineData(0, 0, 1, "22223TAT2R3YTYLH")]
    [InlineData(7, 42, 999, "2924NGHRXMN9PLWR")]
    [InlineData(1_023, 16_383, 99_999_999, "ZZZZYGDGDUGT892X")]
    public void Encode_KnownCoupons_NeverChanges(int partition, int number, int sequence, string expected)
    {
        Assert.Equal(expected, _codes.Encode(partition, number, sequence));
        using var again = new CouponCode(Seed);
        Assert.Equal(expected, again.Encode(partition, number, sequence));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(200)]
    public void Encode_ManyInOneGo_AreThoseOfEach(int count)
    {
        const int First = 99_999_000;
        var codes = new string[count];
        _codes.Encode(7, 42, First, codes);
        Assert.Equal(Enumerable.Range(First, count).Select(s => _codes.Encode(7, 42, s)), codes);
    }

    /// <summary>What was made ahead is given only to whoever asks for it, in whatever order.</summary>
    [Fact]
    public void Encode_MadeAhead_AreThoseOfEach()
    {
        using var ahead = new CampaignCodes(7);
        var campaign = new CampaignState { Number = 42, Seed = Seed };
        int[] sequences = [0, 1, 2, 0, 63, 64, 65, 66, 5, 1_000, 999, 1_001, 64];
        foreach (var sequence in sequences)
            Assert.Equal(_codes.Encode(7, 42, sequence), ahead.Encode(campaign, sequence, following: sequence % 100));
    }

    [Fact]
    public void Decode_CouponsAtTheCorners_IsTheSame()
    {
        int[] partitions = [0, 1, 511, MachineTopics.PartitionsMax - 1];
        int[] numbers = [0, 1, CouponLimits.CampaignNumbers / MachineTopics.PartitionsMax - 1];
        int[] sequences = [0, 1, 2, 31, 32, 1 << 26, CouponLimits.QuantityMax - 1];
        foreach (var (partition, number, sequence) in partitions.SelectMany(p => numbers.SelectMany(n => sequences.Select(s => (p, n, s)))))
        {
            var code = _codes.Encode(partition, number, sequence);
            Assert.Equal(CouponCode.Length, code.Length);
            Assert.All(code, c => Assert.Contains(c, Alphabet));
            Assert.Equal((partition, number), CouponCode.TryDecodeCampaign(code));
            Assert.Equal(sequence, _codes.TryDecodeSequence(code));
        }
    }

    [Fact]
    public void Decode_AnySingleCharacterChanged_IsRefused()
    {
        for (var sequence = 0; sequence < 20; sequence++)
        {
            var code = _codes.Encode(3, 5, sequence * 4_999_999);
            for (var i = 0; i < code.Length; i++)
            {
                foreach (var other in Alphabet.Append('0').Append('a').Append('-').Where(c => c != code[i]))
                    AssertRefused(code[..i] + other + code[(i + 1)..]);
            }
        }
    }

    /// <summary>
    /// Luhn modulo 32 does not see the swap of the first and the last character of the alphabet, 2 and Z (as decimal Luhn
    /// does not see 09); the tag does, unless the swap lies in the campaign's number: then the code is one of another campaign.
    /// </summary>
    [Fact]
    public void Decode_NeighboursSwapped_IsRefusedByTheCheckCharacterExceptTwoAndZ()
    {
        var exceptions = 0;
        for (var sequence = 0; sequence < 2_000; sequence++)
        {
            var code = _codes.Encode(sequence % 1_024, sequence, sequence);
            for (var i = 0; i < code.Length - 1; i++)
            {
                var (a, b) = (code[i], code[i + 1]);
                if (a == b)
                    continue;
                var swapped = code[..i] + b + a + code[(i + 2)..];
                if ((a, b) is ('2', 'Z') or ('Z', '2'))
                {
                    exceptions++;
                    Assert.False(_codes.TryDecodeSequence(swapped) is not null && CouponCode.TryDecodeCampaign(swapped) == CouponCode.TryDecodeCampaign(code));
                    continue;
                }

                AssertRefused(swapped);
            }
        }

        Assert.InRange(exceptions, 1, 200);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2222222222222")]
    [InlineData("22222222222222222")]
    [InlineData("0000000000000000")]
    [InlineData("ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ")]
    [InlineData("                ")]
    public void Decode_NoCode_IsRefused(string text) => AssertRefused(text);

    [Fact]
    public void TryDecodeSequence_GuessedCodes_AreHardlyEverGenuine()
    {
        // A guess of 16 valid characters is genuine with a chance of 2^-29: 0.002 are expected of a million, and two or more
        // with a chance of 2e-6. With the check character right (2^-24) 0.0012 are expected of 20,000.
        const int seed = 20_260_101;
        var random = new Random(seed);
        var (genuine, genuineChecked, checks) = (0, 0, 0);
        Span<char> guess = stackalloc char[CouponCode.Length];
        for (var n = 0; n < 1_000_000; n++)
        {
            random.GetItems(Alphabet, guess);
            var code = new string(guess);
            if (CouponCode.TryDecodeCampaign(code) is not null)
                checks++;
            if (_codes.TryDecodeSequence(code) is not null)
                genuine++;
            foreach (var c in n < 20_000 ? Alphabet : "")
            {
                guess[^1] = c;
                if (_codes.TryDecodeSequence(new string(guess)) is not null)
                    genuineChecked++;
            }
        }

        Assert.True(genuine <= 1, $"{genuine} guesses are genuine (seed {seed})");
        Assert.True(genuineChecked <= 1, $"{genuineChecked} guesses with the check character right are genuine (seed {seed})");
        Assert.InRange(checks, 1_000_000 / 32 - 1_100, 1_000_000 / 32 + 1_100); // 31,250, six standard deviations of 174
    }

    [Fact]
    public void Encode_NeighboursInSequence_ShowNoOrder()
    {
        // As text, the second of two neighbours comes after the first one in about half of the pairs, and about one character
        // in 32 agrees at each place behind the campaign's.
        const int pairs = 20_000;
        var rising = 0;
        var same = new int[CouponCode.Length];
        var before = _codes.Encode(1, 1, 0);
        for (var sequence = 1; sequence <= pairs; sequence++)
        {
            var code = _codes.Encode(1, 1, sequence);
            rising += string.CompareOrdinal(code, before) > 0 ? 1 : 0;
            for (var i = 0; i < code.Length; i++)
                same[i] += code[i] == before[i] ? 1 : 0;
            before = code;
        }

        Assert.InRange(rising, pairs / 2 - 430, pairs / 2 + 430); // six standard deviations of 71
        Assert.All(same[5..], s => Assert.InRange(s, pairs / 32 - 150, pairs / 32 + 150)); // six standard deviations of 25
    }

    [Fact]
    public void Encode_HundredThousandCoupons_AreAllDifferent() =>
        Assert.Equal(100_000, Enumerable.Range(0, 100_000).Select(s => _codes.Encode(0, 0, s)).Distinct().Count());

    [Fact]
    public void TryDecodeSequence_CodesOfAnotherSeed_AreRefused()
    {
        using var others = new CouponCode(new CampaignSeed(Seed.Value + 1));
        for (var sequence = 0; sequence < 10_000; sequence++)
            Assert.Null(_codes.TryDecodeSequence(others.Encode(3, 5, sequence)));
    }

    [Fact]
    public void TryDecodeCampaign_CodeOfAnotherCampaign_TellsThatOne() =>
        Assert.Equal((3, 6), CouponCode.TryDecodeCampaign(_codes.Encode(3, 6, 1)));

    [Fact]
    public void Of_ManyCampaigns_GivesTheCodesOfEach()
    {
        var codes = new CouponCodes();
        var first = new CampaignState(4, 10, 1, 0, 0, false, 0, 0, Seed);
        var second = first with { Number = 5, Seed = new CampaignSeed(77) };
        using var ofSecond = new CouponCode(second.Seed);
        Assert.Equal(_codes.Encode(2, 4, 9), codes.Of(2, "first", first, 9));
        Assert.Equal(ofSecond.Encode(2, 5, 9), codes.Of(2, "second", second, 9));
        Assert.Equal(_codes.Encode(2, 4, 9), codes.Of(2, "first", first, 9));
    }

    private void AssertRefused(string code)
    {
        Assert.Null(CouponCode.TryDecodeCampaign(code));
        Assert.Null(_codes.TryDecodeSequence(code));
    }
}
