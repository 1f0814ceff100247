using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Confluent.Kafka;
using FlashSale.Core.Log;

namespace FlashSale.Streams.Tests;

/// <summary>What is added to the clients of Streamiz.</summary>
public sealed class KafkaClientsTests
{
    private static readonly TopicPartition Events = new(MachineTopics.Coupon.Events, 3);

    private readonly List<string> _called = [];
    private Action<DeliveryReport<byte[], byte[]>>? _reported;
    private bool _acknowledges = true;
    private readonly HandedOver _handedOver = new(8);
    private ConsumeResult<byte[], byte[]>? _next;
    private TimeSpan? _waited;
    private Action? _disposing;

    [Fact]
    public void Commit_IsNotSent()
    {
        var consumer = Consumer(CancellationToken.None);
        consumer.Commit([new TopicPartitionOffset(Events, 7)]);
        consumer.Pause([Events]);
        Assert.Equal(["Pause"], _called);
    }

    [Fact]
    public void Unsubscribe_IsLeftToTheCloseOfAProcessThatEnds()
    {
        using var stop = new CancellationTokenSource();
        var consumer = Consumer(stop.Token);
        consumer.Unsubscribe();
        stop.Cancel();
        consumer.Unsubscribe();
        consumer.Close();
        Assert.Equal(["Unsubscribe", "Close"], _called);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 3)]
    [InlineData(5, 5)]
    [InlineData(3_480, 5)]
    [InlineData(-200, 5)]
    public void Consume_WaitsAsLongAsConfigured(int askedMs, int waitsMs)
    {
        var consumer = Consumer(CancellationToken.None);
        consumer.Consume(TimeSpan.FromMilliseconds(askedMs));
        Assert.Equal(TimeSpan.FromMilliseconds(waitsMs), _waited);
    }

    [Fact]
    public void Consume_TellsWhatItHandsOver()
    {
        var consumer = Consumer(CancellationToken.None);
        _next = new ConsumeResult<byte[], byte[]> { TopicPartitionOffset = new TopicPartitionOffset(Events, 7) };
        Assert.Same(_next, consumer.Consume(TimeSpan.Zero));
        _next = null;
        Assert.Null(consumer.Consume(TimeSpan.Zero));

        Assert.True(_handedOver.GoesOnAfter(3, 6));
        Assert.False(_handedOver.GoesOnAfter(3, 7));
        Assert.False(_handedOver.GoesOnAfter(2, 6));
    }

    [Fact]
    public void Produce_Acknowledged_TellsTheEventAndWhichRecordItAnswers()
    {
        var told = new List<(int, long, long, byte[])>();
        var producer = AcknowledgedProducer.Of(
            Fake<IProducer<byte[], byte[]>>(), (p, answers, offset, value) => told.Add((p, answers, offset, value)), TimeSpan.FromSeconds(1), CancellationToken.None);
        var written = EventThatAnswers(5);
        producer.Produce(Events, new Message<byte[], byte[]> { Value = written }, static _ => { });
        Assert.Empty(told);
        _reported!(new DeliveryReport<byte[], byte[]> { Error = new Error(ErrorCode.NoError), Offset = 9 });
        Assert.Equal([(3, 5L, 9L, written)], told);

        producer.Produce(Events, new Message<byte[], byte[]> { Value = EventThatAnswers(6) }, static _ => { });
        _reported(new DeliveryReport<byte[], byte[]> { Error = new Error(ErrorCode.Local_MsgTimedOut) });
        Assert.Single(told);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(3_600_000, true)]
    public void Flush_NothingIsAcknowledged_EndsAtTheLimitOrWhenGivenUp(int flushMaxMs, bool givenUp)
    {
        _acknowledges = false;
        using var giveUp = new CancellationTokenSource();
        if (givenUp)
            giveUp.Cancel();
        var producer = AcknowledgedProducer.Of(Fake<IProducer<byte[], byte[]>>(), static (_, _, _, _) => { }, TimeSpan.FromMilliseconds(flushMaxMs), giveUp.Token);
        producer.Flush(CancellationToken.None);
        Assert.Equal(["Flush"], _called);
    }

    [Fact]
    public void Dispose_IsDoneAndNotWaitedFor()
    {
        using var mayEnd = new ManualResetEventSlim();
        using var hasEnded = new ManualResetEventSlim();
        _disposing = () =>
        {
            mayEnd.Wait(TimeSpan.FromSeconds(30));
            hasEnded.Set();
        };
        UnawaitedEnd.Of(Fake<IAdminClient>()).Dispose();
        Assert.False(hasEnded.IsSet);
        mayEnd.Set();
        Assert.True(hasEnded.Wait(TimeSpan.FromSeconds(30)));
    }

    private static byte[] EventThatAnswers(long offset) =>
        new EventRecord(new RecordId(1), new LogId(Guid.Empty), new RecordPosition(offset, new RecordId(2)), 1, 0, default, new byte[] { 0 }).Encode();

    private IConsumer<byte[], byte[]> Consumer(CancellationToken stop) =>
        BoundedConsumer.Of(Fake<IConsumer<byte[], byte[]>>(), TimeSpan.FromMilliseconds(5), _handedOver, stop);

    private T Fake<T>() where T : class
    {
        var client = DispatchProxy.Create<T, FakeClient>();
        ((FakeClient)(object)client).Tests = this;
        return client;
    }

    [SuppressMessage("Performance", "CA1852", Justification = "The proxy derives from it.")]
    private class FakeClient : DispatchProxy
    {
        public KafkaClientsTests Tests { get; set; } = null!;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Tests._called.Add(targetMethod!.Name);
            if (targetMethod.Name == "Dispose")
                Tests._disposing?.Invoke();
            if (args is [TimeSpan wait])
                Tests._waited = wait;
            if (targetMethod.Name == "Produce")
                Tests._reported = (Action<DeliveryReport<byte[], byte[]>>)args![2]!;
            if (targetMethod.Name == "Flush" && !Tests._acknowledges && args is [CancellationToken cancel])
            {
                cancel.WaitHandle.WaitOne();
                cancel.ThrowIfCancellationRequested();
            }

            return targetMethod.Name == "Consume" ? Tests._next : null;
        }
    }
}
