using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Log;

public sealed class MachineTopicsTests
{
    [Fact]
    public void Fnv1A_PublishedVectors_Agree()
    {
        Assert.Equal(0xcbf29ce484222325UL, MachineTopics.Fnv1A(""u8));
        Assert.Equal(0xaf63dc4c8601ec8cUL, MachineTopics.Fnv1A("a"u8));
        Assert.Equal(0x85944171f73967e8UL, MachineTopics.Fnv1A("foobar"u8));
    }

    /// <summary>Where a key lies is part of the log's format: with other values the logs that exist could not be read any more.</summary>
    [Theory]
    [InlineData("a", 4, 0)]
    [InlineData("sale", 16, 6)]
    [InlineData("summer-2026", 16, 2)]
    [InlineData("summer-2026", 1_024, 274)]
    [InlineData("Summer-2026", 1_024, 676)]
    [InlineData("a.b:c_d-e", 7, 6)]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123", 1_024, 482)]
    public void PartitionOf_KnownKeys_NeverMoves(string key, int partitions, int expected) =>
        Assert.Equal(expected, MachineTopics.PartitionOf(key, partitions));

    [Theory]
    [InlineData("campaign-{0}", 16)]
    [InlineData("{0}", 16)]
    [InlineData("{0:d8}-flash-sale", 12)]
    [InlineData("c{0}", 1_000)]
    public void PartitionOf_SimilarKeys_SpreadsEvenly(string pattern, int partitions)
    {
        const int each = 200;
        var counts = new int[partitions];
        for (var i = 0; i < each * partitions; i++)
            counts[MachineTopics.PartitionOf(string.Format(pattern, i), partitions)]++;

        // Chi square of an even spread has mean n-1 and variance 2(n-1); six deviations leave room for any honest hash.
        var chiSquare = counts.Sum(c => Math.Pow(c - each, 2) / each);
        var bound = partitions - 1 + 6 * Math.Sqrt(2 * (partitions - 1));
        Assert.True(chiSquare < bound, $"chi square {chiSquare} is not below {bound}");
    }

    [Fact]
    public void PartitionOf_OnePartition_IsZero() => Assert.Equal(0, MachineTopics.PartitionOf("any", 1));

    [Fact]
    public void Topics_WithPrefix_AllCarryIt()
    {
        var topics = new MachineTopics("coupon", "test.");
        Assert.Equal(("test.coupon-commands", "test.coupon-events", "test.coupon-commands-dlq"), (topics.Commands, topics.Events, topics.DeadLetters));
    }
}
