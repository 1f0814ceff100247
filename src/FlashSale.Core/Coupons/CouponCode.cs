using System.Buffers.Binary;
using System.Security.Cryptography;

namespace FlashSale.Core.Coupons;

/// <summary>
/// Coupon codes: 16 characters of an alphabet of 32 without look-alikes (no 0, O, 1, I). They hold 24 bits of campaign number
/// (partition and number within it), 27 bits of sequence number, 24 bits of authentication tag, and a check character.
/// The tag is a synthetic IV (the construction of RFC 5297, shortened): it authenticates the sequence number and encrypts it,
/// both with AES under the campaign's seed. So codes are the same at every replay, give away neither order nor count, and a
/// guessed code of 16 valid characters fits with a chance of 2^-24 for the tag times 2^-5 for the check character: 1.9e-9.
/// </summary>
public sealed class CouponCode : IDisposable
{
    public const int Length = 16;

    private const string Alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    private const int NumberBits = 14;
    private const int SequenceBits = 27;
    private const int TagBits = 24;

    private readonly Aes _aes;

    // One cipher for all blocks: on two cores a block took 158 ns with it and 968 ns in a call of its own, which makes a cipher each time.
    private readonly ICryptoTransform _cipher;
    private readonly byte[] _block = new byte[16];

    /// <summary>The codes of one campaign. Not for several threads at a time.</summary>
    public CouponCode(CampaignSeed seed)
    {
        var key = new byte[CampaignSeed.Size];
        BinaryPrimitives.WriteUInt128BigEndian(key, seed.Value);
        _aes = Aes.Create();
        _aes.Key = key;
        _aes.Mode = CipherMode.ECB;
        _aes.Padding = PaddingMode.None;
        _cipher = _aes.CreateEncryptor();
    }

    /// <summary>The code of the coupon with a sequence number (0 to 99,999,999) of the campaign with a number in a partition.</summary>
    public string Encode(int partition, int number, int sequence)
    {
        var tag = Tag(sequence);
        var body = ((ulong)(sequence ^ Mask(tag)) << TagBits) | tag;
        var campaign = ((ulong)partition << NumberBits) | (uint)number;
        return string.Create(Length, (campaign, body), static (characters, value) =>
        {
            // 75 bits, five a character: 24 of the campaign, then 51 of the body.
            var bits = ((UInt128)value.campaign << (SequenceBits + TagBits)) | value.body;
            for (var i = Length - 2; i >= 0; i--, bits >>= 5)
                characters[i] = Alphabet[(int)(bits & 31)];
            characters[Length - 1] = Alphabet[Check(characters[..(Length - 1)])];
        });
    }

    /// <summary>The partition and number of the campaign that a code belongs to, or null where it is none. Says nothing of whether it was issued.</summary>
    public static (int Partition, int Number)? TryDecodeCampaign(string code)
    {
        if (TryBits(code) is not { } bits)
            return null;
        var campaign = (int)(bits >> (SequenceBits + TagBits));
        return (campaign >> NumberBits, campaign & ((1 << NumberBits) - 1));
    }

    /// <summary>The sequence number of a code of this campaign, or null where the code is not genuine. The caller knows from <see cref="TryDecodeCampaign"/> that it is of this campaign.</summary>
    public int? TryDecodeSequence(string code)
    {
        if (TryBits(code) is not { } bits)
            return null;
        var tag = (uint)(bits & ((1 << TagBits) - 1));
        var sequence = (int)((uint)(bits >> TagBits) & ((1u << SequenceBits) - 1)) ^ Mask(tag);
        return Tag(sequence) == tag ? sequence : null;
    }

    public void Dispose()
    {
        _cipher.Dispose();
        _aes.Dispose();
    }

    private uint Tag(int sequence) => Prf(0, (uint)sequence) & ((1u << TagBits) - 1);

    private int Mask(uint tag) => (int)(Prf(1, tag) & ((1u << SequenceBits) - 1));

    private uint Prf(byte purpose, uint value)
    {
        Array.Clear(_block);
        _block[0] = purpose;
        BinaryPrimitives.WriteUInt32BigEndian(_block.AsSpan(12), value);
        _cipher.TransformBlock(_block, 0, _block.Length, _block, 0);
        return BinaryPrimitives.ReadUInt32BigEndian(_block);
    }

    private static UInt128? TryBits(string code)
    {
        if (code.Length != Length)
            return null;
        UInt128 bits = 0;
        for (var i = 0; i < Length - 1; i++)
        {
            var value = Alphabet.IndexOf(code[i]);
            if (value < 0)
                return null;
            bits = (bits << 5) | (uint)value;
        }

        return Alphabet.IndexOf(code[^1]) == Check(code.AsSpan(0, Length - 1)) ? bits : null;
    }

    /// <summary>Luhn's algorithm modulo 32: finds every single wrong character and nearly every swap of neighbours.</summary>
    private static int Check(ReadOnlySpan<char> characters)
    {
        var sum = 0;
        for (var i = characters.Length - 1; i >= 0; i--)
        {
            var addend = Alphabet.IndexOf(characters[i]) * ((characters.Length - 1 - i) % 2 == 0 ? 2 : 1);
            sum += addend / 32 + addend % 32;
        }

        return (32 - sum % 32) % 32;
    }
}
