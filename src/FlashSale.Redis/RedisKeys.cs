using System.Collections.Concurrent;
using StackExchange.Redis;

namespace FlashSale.Redis;

/// <summary>The names of the keys of a machine's partitions, in the order in which every script expects them (lua/fence.lua).</summary>
internal sealed class RedisKeys(string prefix, string machine)
{
    private static readonly string[] Parts = ["meta", "campaigns", "descriptions", "changes", "holdings", "recent"];

    private readonly ConcurrentDictionary<int, RedisKey[]> _partitions = [];

    /// <summary>All keys of a partition. They share a hash tag, therefore a slot of a cluster.</summary>
    public RedisKey[] Of(int partition) => _partitions.GetOrAdd(partition, static (p, self) => self.Name(p), this);

    private RedisKey[] Name(int partition)
    {
        // One letter per machine keeps the tag short: it is in every key.
        var tag = prefix.Length == 0 ? $"{{{machine[0]}{partition}}}" : $"{{{prefix}-{machine[0]}{partition}}}";
        return [.. Parts.Select(part => (RedisKey)$"{tag}:{part}")];
    }
}
