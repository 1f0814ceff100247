using System.Reflection;
using Confluent.Kafka;

namespace FlashSale.Streams;

/// <summary>
/// Streamiz's consumer, which commits nothing: a commit that meets a rebalance ends, as the client takes it, the whole membership. And
/// Streamiz would commit records from which the processor has returned, also those that could not be decided yet.
/// </summary>
internal class UncommittedConsumer : DispatchProxy
{
    private IConsumer<byte[], byte[]> _inner = null!;

    public static IConsumer<byte[], byte[]> Of(IConsumer<byte[], byte[]> inner)
    {
        var consumer = Create<IConsumer<byte[], byte[]>, UncommittedConsumer>();
        ((UncommittedConsumer)(object)consumer)._inner = inner;
        return consumer;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        targetMethod!.Name == nameof(IConsumer<,>.Commit) && targetMethod.ReturnType == typeof(void)
            ? null
            : targetMethod.Invoke(_inner, BindingFlags.DoNotWrapExceptions, null, args, null);
}
