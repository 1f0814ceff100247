using System.Diagnostics;
using System.Reflection;
using Confluent.Kafka;
using FlashSale.Kafka;

namespace FlashSale.Streams;

/// <summary>
/// Streamiz's consumer, with five things changed. It tells what it hands over. It commits nothing: a commit that meets a rebalance ends, as the client takes it, the whole
/// membership; and Streamiz would commit records from which the processor has returned, also those that could not be decided yet. And it waits
/// for a record as long as it was configured to: Streamiz does not wait at all while partitions move, so that its thread keeps a core busy, and
/// after a wait that ended a little early it waits again for up to seconds, or for ever (the logarithm in its ConsumeRecords), in
/// which no partition is taken over and no idle one is looked at. And a process that ends leaves its group by closing: unsubscribed before, the
/// client left up to a second later. And it learns of changes of the group in time (<see cref="PromptMember"/>).
/// </summary>
internal class BoundedConsumer : DispatchProxy
{
    private static readonly TimeSpan WaitMin = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan WakeInterval = TimeSpan.FromMilliseconds(50);

    private IConsumer<byte[], byte[]> _inner = null!;
    private TimeSpan _waitMax;
    private HandedOver _handedOver = null!;
    private CancellationToken _stop;
    private long _wokenAt;

    /// <param name="waitMax">How long it waits for a record, at least 1 ms.</param>
    /// <param name="handedOver">Is told of each record.</param>
    /// <param name="stop">Once it is cancelled, the consumer is only closed any more.</param>
    public static IConsumer<byte[], byte[]> Of(IConsumer<byte[], byte[]> inner, TimeSpan waitMax, HandedOver handedOver, CancellationToken stop)
    {
        var consumer = Create<IConsumer<byte[], byte[]>, BoundedConsumer>();
        var proxy = (BoundedConsumer)(object)consumer;
        (proxy._inner, proxy._waitMax, proxy._handedOver, proxy._stop) = (inner, waitMax, handedOver, stop);
        return consumer;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => (targetMethod!.Name, args) switch
    {
        (nameof(IConsumer<,>.Commit), _) when targetMethod.ReturnType == typeof(void) => null,
        (nameof(IConsumer<,>.Unsubscribe), _) when _stop.IsCancellationRequested => null,
        (nameof(IConsumer<,>.Consume), [TimeSpan wait]) => Consume(Bounded(wait)),
        _ => targetMethod.Invoke(_inner, BindingFlags.DoNotWrapExceptions, null, args, null),
    };

    private ConsumeResult<byte[], byte[]>? Consume(TimeSpan wait)
    {
        var record = _inner.Consume(wait);
        if (record is not null)
            _handedOver.Set(record.Partition.Value, record.Offset.Value);
        if (Stopwatch.GetElapsedTime(_wokenAt) >= WakeInterval)
        {
            PromptMember.Wake(_inner);
            _wokenAt = Stopwatch.GetTimestamp();
        }

        return record;
    }

    private TimeSpan Bounded(TimeSpan wait) => wait < TimeSpan.Zero || wait > _waitMax ? _waitMax : wait < WaitMin ? WaitMin : wait;
}
