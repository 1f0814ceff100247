using System.Collections.Concurrent;
using FlashSale.Core.Ledger;

namespace FlashSale.MySql;

/// <summary>
/// A few threads of their own for calls to the database. MySql.Data's asynchronous calls block the thread that makes them;
/// made on the thread pool they would starve the front door. Calls are made synchronously here, with either driver.
/// </summary>
internal sealed class DatabaseThreads : IDisposable
{
    // Each partition has one call under way at most, and a machine has at most 1,024 of them.
    private const int WaitingMax = 2_048;

    private readonly BlockingCollection<Action> _calls = new(WaitingMax);
    private readonly Thread[] _threads;

    public DatabaseThreads(int threads, string name)
    {
        _threads = new Thread[threads];
        for (var i = 0; i < threads; i++)
        {
            _threads[i] = new Thread(Work) { IsBackground = true, Name = $"{name} {i}" };
            _threads[i].Start();
        }
    }

    /// <summary>Runs the call on one of the threads. Cancelling ends the waiting at once, whereas a call under way goes on to its own time limit.</summary>
    public Task<T> RunAsync<T>(Func<T> call, CancellationToken cancel)
    {
        // Continuations must not run on these threads: they are the partitions' loops.
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var accepted = !_calls.IsAddingCompleted && _calls.TryAdd(() => Run(call, done, cancel));
        return accepted
            ? done.Task.WaitAsync(cancel)
            : Task.FromException<T>(new LedgerUnavailableException($"more than {WaitingMax} calls wait for the database, or it has been disposed"));
    }

    /// <summary>Takes no more calls, and waits up to 5 s for those under way.</summary>
    public void Dispose()
    {
        _calls.CompleteAdding();
        var until = Environment.TickCount64 + 5_000;
        foreach (var thread in _threads)
            thread.Join((int)Math.Max(0, until - Environment.TickCount64));
    }

    private static void Run<T>(Func<T> call, TaskCompletionSource<T> done, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested)
        {
            done.SetCanceled(cancel);
            return;
        }

        try
        {
            done.SetResult(call());
        }
        catch (Exception e)
        {
            done.SetException(e);
            // Whoever was cancelled no longer looks at it.
            _ = done.Task.Exception;
        }
    }

    private void Work()
    {
        foreach (var call in _calls.GetConsumingEnumerable())
            call();
    }
}
