using System.Buffers;

namespace FlashSale.Core;

/// <summary>The rule for ids that callers choose (campaigns, users, products): 1 to 64 characters of <c>A-Z a-z 0-9 _ . : -</c>.</summary>
public static class Identifier
{
    /// <summary>The longest id, in characters (and, as the alphabet is ASCII, in bytes).</summary>
    public const int LengthMax = 64;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-");

    private static readonly SearchValues<byte> AllowedBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"u8);

    /// <summary>What a refused id is told.</summary>
    public const string Rule = "1 to 64 characters of A-Z a-z 0-9 _ . : -";

    public static bool IsValid(ReadOnlySpan<char> id) =>
        id.Length is >= 1 and <= LengthMax && !id.ContainsAnyExcept(Allowed);

    public static bool IsValid(ReadOnlySpan<byte> id) =>
        id.Length is >= 1 and <= LengthMax && !id.ContainsAnyExcept(AllowedBytes);
}
