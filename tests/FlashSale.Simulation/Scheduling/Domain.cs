namespace FlashSale.Simulation.Scheduling;

/// <summary>
/// What lives and dies together: a process, or the world around the processes. A domain that has died runs nothing any more; one
/// that is paused keeps what becomes ready until it goes on.
/// </summary>
internal sealed class Domain(Scheduler scheduler, string name) : SynchronizationContext
{
    private readonly List<(SendOrPostCallback Callback, object? State)> _held = [];
    private bool _isPaused;

    public string Name => name;

    public bool IsDead { get; private set; }

    public bool IsPaused => _isPaused;

    public Scheduler Scheduler => scheduler;

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (!IsDead)
            scheduler.Enqueue(this, d, state);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    public override SynchronizationContext CreateCopy() => this;

    public void Execute(SendOrPostCallback callback, object? state)
    {
        if (IsDead)
            return;
        if (_isPaused)
        {
            _held.Add((callback, state));
            return;
        }

        SetSynchronizationContext(this);
        callback(state);
    }

    /// <summary>Starts something in this domain. What it throws ends the run.</summary>
    public void Start(Func<Task> work) => Post(_ => scheduler.Watch(work()), null);

    public void Die() => IsDead = true;

    public void Pause() => _isPaused = true;

    public void Resume()
    {
        _isPaused = false;
        foreach (var (callback, state) in _held)
            Post(callback, state);
        _held.Clear();
    }

    /// <summary>Ends after a time, in the domain of the caller.</summary>
    public Task DelayAsync(TimeSpan span)
    {
        var elapsed = new TaskCompletionSource();
        new VirtualTimer(this, static s => ((TaskCompletionSource)s!).TrySetResult(), elapsed).Change(span, Timeout.InfiniteTimeSpan);
        return elapsed.Task;
    }
}
