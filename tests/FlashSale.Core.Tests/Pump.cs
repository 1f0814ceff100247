namespace FlashSale.Core.Tests;

/// <summary>
/// Runs everything awaited under it on the test's own thread, one continuation at a time: what a test has caused is complete
/// when <see cref="Run"/> returns.
/// </summary>
internal sealed class Pump : SynchronizationContext, IDisposable
{
    private const int StepsMax = 1_000_000;

    /// <summary>Only a failing test ever waits for so long.</summary>
    private static readonly TimeSpan AwaitMax = TimeSpan.FromSeconds(30);

    private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = [];
    private readonly SynchronizationContext? _before = Current;

    /// <summary>Makes what is started from here on run under the pump. To be called within the test: xunit sets a context of its own before it.</summary>
    public void Enter() => SetSynchronizationContext(this);

    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_posted)
        {
            _posted.Enqueue((d, state));
            Monitor.Pulse(_posted);
        }
    }

    /// <summary>Runs until nothing is left to be done.</summary>
    public void Run()
    {
        for (var step = 0; ; step++)
        {
            (SendOrPostCallback Callback, object? State) next;
            lock (_posted)
            {
                if (!_posted.TryDequeue(out next))
                    return;
            }

            Assert.True(step < StepsMax, "the code under test never comes to rest");
            next.Callback(next.State);
        }
    }

    /// <summary>The result of a task that must be complete once all that can be done is done.</summary>
    public T Result<T>(Task<T> task)
    {
        Run();
        Assert.True(task.IsCompleted, "the task still waits");
        return task.GetAwaiter().GetResult();
    }

    /// <summary>
    /// The result of a task that certainly ends, though over the thread pool: there Task.WaitAsync goes when its source runs
    /// continuations asynchronously. The test waits for the event itself, so its outcome does not hang on any timing.
    /// </summary>
    public T Await<T>(Task<T> task)
    {
        _ = task.ContinueWith(
            _ => Post(static _ => { }, null), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        while (!task.IsCompleted)
        {
            Run();
            lock (_posted)
                Assert.True(task.IsCompleted || _posted.Count > 0 || Monitor.Wait(_posted, AwaitMax), "the task still waits");
        }

        Run();
        return task.GetAwaiter().GetResult();
    }

    public void Dispose() => SetSynchronizationContext(_before);
}
