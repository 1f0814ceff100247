using System.Text;

namespace FlashSale.Core.Log;

/// <summary>
/// What belongs to one machine in the log, declared together: the topics of its commands, events and dead letters,
/// and the rule that leads from a key to a partition.
/// </summary>
/// <param name="Machine">The machine's name, also written into its genesis records.</param>
/// <param name="Prefix">Put before the names of the topics, so that several installations can share a cluster.</param>
public sealed record MachineTopics(string Machine, string Prefix = "")
{
    /// <summary>Key: campaign id. Values: records of <see cref="Coupons.CouponRecord"/> and <see cref="EventRecord"/>.</summary>
    public static readonly MachineTopics Coupon = new("coupon");

    /// <summary>The most partitions a machine may have: a coupon code's campaign number and the tickets hold a partition in 10 bits and more.</summary>
    public const int PartitionsMax = 1024;

    public string Commands => $"{Prefix}{Machine}-commands";

    public string Events => $"{Prefix}{Machine}-events";

    public string DeadLetters => $"{Prefix}{Machine}-commands-dlq";

    /// <summary>The name of the key hash, kept in the genesis record so that a log made with another one is refused.</summary>
    public const string KeyHash = "fnv1a-64";

    /// <summary>The partition of a key: FNV-1a (64 bit) of its UTF-8 bytes, both halves folded, modulo the number of partitions.</summary>
    public static int PartitionOf(string key, int partitions)
    {
        Span<byte> utf8 = stackalloc byte[Identifier.LengthMax * 4];
        var length = Encoding.UTF8.GetBytes(key, utf8);
        var hash = Fnv1A(utf8[..length]);
        return (int)((uint)(hash ^ (hash >> 32)) % (uint)partitions);
    }

    /// <summary>FNV-1a, 64 bit (Fowler, Noll, Vo; draft-eastlake-fnv).</summary>
    public static ulong Fnv1A(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in bytes)
            hash = (hash ^ b) * 1099511628211UL;
        return hash;
    }
}
