using System.Reflection;
using Confluent.Kafka;
using FlashSale.Core.Log;

namespace FlashSale.Streams;

/// <summary>
/// Streamiz's producer, with two things added: the acknowledgement of each event is reported, as the fence is told how far
/// outcomes have been told, and the readers of this process get the event; and its flush, which waits without a limit, has one.
/// </summary>
internal class AcknowledgedProducer : DispatchProxy
{
    private IProducer<byte[], byte[]> _inner = null!;
    private Acknowledged _acknowledged = null!;
    private TimeSpan _flushMax;
    private CancellationToken _giveUp;

    /// <param name="acknowledged">Called on the client's thread.</param>
    public static IProducer<byte[], byte[]> Of(IProducer<byte[], byte[]> inner, Acknowledged acknowledged, TimeSpan flushMax, CancellationToken giveUp)
    {
        var producer = Create<IProducer<byte[], byte[]>, AcknowledgedProducer>();
        var proxy = (AcknowledgedProducer)(object)producer;
        (proxy._inner, proxy._acknowledged, proxy._flushMax, proxy._giveUp) = (inner, acknowledged, flushMax, giveUp);
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
                _acknowledged(to.Partition.Value, answers, report.Offset.Value, message.Value);
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

/// <summary>An event is in the log.</summary>
/// <param name="answers">Offset of the command record that it answers.</param>
/// <param name="offset">Its own.</param>
internal delegate void Acknowledged(int partition, long answers, long offset, byte[] value);
