using System.Reflection;
using Confluent.Kafka;
using FlashSale.Core.Log;

namespace FlashSale.Streams;

/// <summary>
/// Streamiz's producer, with two things added: the acknowledgement of each event is reported, as the fence is told how far
/// outcomes have been told; and its flush, which waits without a limit, has one.
/// </summary>
internal class AcknowledgedProducer : DispatchProxy
{
    private IProducer<byte[], byte[]> _inner = null!;
    private Action<int, long> _told = null!;
    private TimeSpan _flushMax;
    private CancellationToken _giveUp;

    /// <param name="told">Partition, and offset of the command record whose event is acknowledged. Called on the client's thread.</param>
    public static IProducer<byte[], byte[]> Of(IProducer<byte[], byte[]> inner, Action<int, long> told, TimeSpan flushMax, CancellationToken giveUp)
    {
        var producer = Create<IProducer<byte[], byte[]>, AcknowledgedProducer>();
        var proxy = (AcknowledgedProducer)(object)producer;
        (proxy._inner, proxy._told, proxy._flushMax, proxy._giveUp) = (inner, told, flushMax, giveUp);
        return producer;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        switch (targetMethod!.Name, args)
        {
            case (nameof(IProducer<,>.Produce), [TopicPartition to, Message<byte[], byte[]> message, Action<DeliveryReport<byte[], byte[]>> reported]):
                Produce(to, message, reported);
                return null;
            case (nameof(IProducer<,>.Flush), [CancellationToken]):
                Flush();
                return null;
            default:
                return targetMethod.Invoke(_inner, BindingFlags.DoNotWrapExceptions, null, args, null);
        }
    }

    private void Produce(TopicPartition to, Message<byte[], byte[]> message, Action<DeliveryReport<byte[], byte[]>> reported)
    {
        var answers = EventRecord.Decode(message.Value).Answers.Offset;
        _inner.Produce(to, message, report =>
        {
            if (!report.Error.IsError)
                _told(to.Partition.Value, answers);
            reported(report);
        });
    }

    private void Flush()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_giveUp);
        limit.CancelAfter(_flushMax);
        try
        {
            _inner.Flush(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // What is not acknowledged is told by the next owner.
        }
    }
}
