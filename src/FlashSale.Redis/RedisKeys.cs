using System.Collections.Concurrent;
using StackExchange.Redis;

namespace FlashSale.Redis;

/// <summary>The names of the keys of a machine's partitions, in the order in which every script expects them (lua/fence.lua).</summary>
internal sealed class RedisKeys(string prefix, string machine)
{
    /// <summary>
    /// Number of the layout of what the keys hold, raised with each change of it. It is part of every name: a process of another layout has a state of its own, which it
    /// brings up from the log, and neither sees half of the other's. (Layout 1 had a field for each user, and no number in its names.)
    /// </summary>
    public const int Layout = 2;

    private static readonly string[] Parts = ["meta", "campaigns", "descriptions", "changes", "holdings", "recent"];

    private readonly ConcurrentDictionary<int, RedisKey[]> _partitions = [];

    /// <summary>All keys of a partition. They share a hash tag, therefore a slot of a cluster.</summary>
    public RedisKey[] Of(int partition) => _partitions.GetOrAdd(partition, static (p, self) => self.Name(p), this);

    private RedisKey[] Name(int partition)
    {
        // One letter per machine keeps the tag short: it is in every key.
        var tag = prefix.Length == 0 ? $"{{{machine[0]}{partition}}}" : $"{{{prefix}-{machine[0]}{partition}}}";
        return [.. Parts.Select(part => (RedisKey)$"{tag}:{Layout}:{part}")];
    }
}
