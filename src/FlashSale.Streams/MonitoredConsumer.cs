using System.Reflection;
using Confluent.Kafka;

namespace FlashSale.Streams;

/// <summary>
/// Streamiz's consumer, with another meaning of committing: stored is how far outcomes have been told, not what the processor has
/// returned from, as it also returns from records that cannot be decided yet. And nothing waits for it: the client sends what is stored
/// in the background. Committed offsets are for monitoring, and where the next owner begins to read; no decision rests on them.
/// </summary>
internal class MonitoredConsumer : DispatchProxy
{
    private IConsumer<byte[], byte[]> _inner = null!;
    private Func<int, long> _told = null!;

    /// <param name="told">How far the outcomes of a partition have been told; -1 where that is not known.</param>
    public static IConsumer<byte[], byte[]> Of(IConsumer<byte[], byte[]> inner, Func<int, long> told)
    {
        var consumer = Create<IConsumer<byte[], byte[]>, MonitoredConsumer>();
        var proxy = (MonitoredConsumer)(object)consumer;
        (proxy._inner, proxy._told) = (inner, told);
        return consumer;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name != nameof(IConsumer<,>.Commit) || args is not [IEnumerable<TopicPartitionOffset> offsets])
            return targetMethod.Invoke(_inner, BindingFlags.DoNotWrapExceptions, null, args, null);
        foreach (var offset in offsets)
            Store(offset.TopicPartition);
        return null;
    }

    private void Store(TopicPartition partition)
    {
        var told = _told(partition.Partition.Value);
        try
        {
            if (told >= 0)
                _inner.StoreOffset(new TopicPartitionOffset(partition, told + 1));
        }
        catch (KafkaException)
        {
            // The partition is not ours any more.
        }
    }
}
