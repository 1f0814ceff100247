using System.Runtime.ExceptionServices;

namespace FlashSale.Simulation.Scheduling;

/// <summary>
/// Runs everything of a simulation on one thread: of the continuations that are ready it takes any, as the seed will have it;
/// when none is, time goes on to the next timer.
/// </summary>
internal sealed class Scheduler(SeededRandom random)
{
    /// <summary>A hundred times what runs take.</summary>
    private const int StepsMax = 500_000;

    private readonly List<Ready> _ready = [];
    private readonly PriorityQueue<VirtualTimer, (long Due, long Order)> _timers = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private volatile string? _escape;
    private ExceptionDispatchInfo? _fault;
    private long _timersMade;

    /// <summary>Time since the run's start; never goes back.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Continuations run so far.</summary>
    public long Steps { get; private set; }

    public void Enqueue(Domain domain, SendOrPostCallback callback, object? state)
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            // The run would not be the same a second time. What has arrived here must not be lost, or the run would hang instead of telling.
            _escape ??= $"a continuation has left the simulation's thread:{Environment.NewLine}{Environment.StackTrace}";
            return;
        }

        _ready.Add(new Ready(domain, callback, state));
    }

    public void Add(VirtualTimer timer) => _timers.Enqueue(timer, (timer.Due.Ticks, timer.Order = _timersMade++));

    /// <summary>Lets the run end with the fault that a task ends with.</summary>
    public void Watch(Task task) => _ = WatchAsync(task);

    private async Task WatchAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception fault)
        {
            _fault ??= ExceptionDispatchInfo.Capture(fault);
        }
    }

    /// <summary>Runs until nothing is left to be done before <paramref name="until"/>, or <paramref name="done"/>.</summary>
    public void Run(Func<bool> done, TimeSpan until)
    {
        while (!done())
        {
            _fault?.Throw();
            if (_escape is not null)
                throw new SimulationBrokenException(_escape);
            if (Steps > StepsMax)
                throw new ViolationException("I9", $"the run never comes to rest: {Steps} steps in {Now.TotalSeconds} s");
            if (_ready.Count == 0 && !TryElapse(until))
                return;
            if (_ready.Count > 0)
                Step();
        }
    }

    private void Step()
    {
        var index = random.Below(_ready.Count);
        var next = _ready[index];
        _ready[index] = _ready[^1];
        _ready.RemoveAt(_ready.Count - 1);
        Steps++;
        next.Domain.Execute(next.Callback, next.State);
    }

    private bool TryElapse(TimeSpan until)
    {
        while (_timers.TryPeek(out var timer, out var at))
        {
            if (timer.Due > until)
                return false;
            _timers.Dequeue();
            if (timer.Order != at.Order)
                continue;
            Now = timer.Due > Now ? timer.Due : Now;
            timer.Elapse();
            return true;
        }

        return false;
    }

    private readonly record struct Ready(Domain Domain, SendOrPostCallback Callback, object? State);
}

/// <summary>The simulation itself does not work as it must; says nothing of the code under test.</summary>
internal sealed class SimulationBrokenException(string message) : Exception(message);
