using System.Reflection;

namespace FlashSale.Streams;

/// <summary>
/// A client whose end nobody waits for: it can take more than a second, and Streamiz ends producer and administrator before its consumer leaves
/// the group, so that the partitions would be nobody's for as long. What matters of a producer's end, its flush, has been by then.
/// </summary>
internal class UnawaitedEnd : DispatchProxy
{
    private IDisposable _inner = null!;

    public static T Of<T>(T inner) where T : class, IDisposable
    {
        var client = Create<T, UnawaitedEnd>();
        ((UnawaitedEnd)(object)client)._inner = inner;
        return client;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name != nameof(IDisposable.Dispose))
            return targetMethod.Invoke(_inner, BindingFlags.DoNotWrapExceptions, null, args, null);
        _ = Task.Factory.StartNew(_inner.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return null;
    }
}
