namespace FlashSale.Simulation;

/// <summary>Runs consecutive seeds on all cores, each on one thread, until all are run or the lowest one that fails is known.</summary>
internal sealed class SeedRange(ulong from, int count)
{
    private readonly Lock _gate = new();
    private int _next;
    private int _ran;
    private int _failedAt = int.MaxValue;

    /// <summary>Seeds run so far.</summary>
    public int Ran => Volatile.Read(ref _ran);

    /// <summary>The result of the lowest seed that failed, or null.</summary>
    public RunResult? Failed { get; private set; }

    /// <summary>Runs; calls <paramref name="tick"/> once a second.</summary>
    public void Run(CancellationToken stop, Action? tick = null)
    {
        Exception? fault = null;
        var threads = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(() =>
        {
            try
            {
                Work(stop);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref fault, e, null);
                Volatile.Write(ref _failedAt, -1);
            }
        })).ToList();
        threads.ForEach(static t => t.Start());
        foreach (var thread in threads)
        {
            while (!thread.Join(TimeSpan.FromSeconds(1)))
                tick?.Invoke();
        }

        if (fault is not null)
            throw new InvalidOperationException($"the simulation broke: {fault.Message}", fault);
    }

    private void Work(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && Interlocked.Increment(ref _next) - 1 is var index && index < count && index < Volatile.Read(ref _failedAt))
        {
            var result = Simulation.Run.Execute(from + (ulong)index);
            Interlocked.Increment(ref _ran);
            if (result.Invariant is null)
                continue;
            lock (_gate)
            {
                if (index >= _failedAt)
                    continue;
                _failedAt = index;
                Failed = result;
            }
        }
    }
}
