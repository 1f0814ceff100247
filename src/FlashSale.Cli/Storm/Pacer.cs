using FlashSale.Cli.Http;

namespace FlashSale.Cli.Storm;

/// <summary>
/// The one thread that sends claims when they are due, whatever became of the earlier ones, and brings back what had to wait.
/// It never waits for an answer or a connection: a claim without a free connection goes into its pool's queue, late but sent.
/// Without a schedule it only brings back what had to wait.
/// </summary>
internal sealed class Pacer(Schedule? schedule, StormClock clock, Action<int> send, Action<Exception> fault) : IDisposable
{
    // The system's timers are good for a millisecond; claims that fell due meanwhile leave together.
    private const int WaitMilliseconds = 1;

    // Between two looks at the waiting ones, so that a generator that is behind still serves them.
    private const int BurstMax = 256;

    private readonly ManualResetEvent _stop = new(initialState: false);
    private Thread? _thread;
    private volatile bool _offering = true;
    private int _next;

    /// <summary>Held back requests to look after.</summary>
    public required DelayQueue Delays { get; init; }

    /// <summary>Pools whose waiting requests are started again.</summary>
    public required IReadOnlyList<LanePool> Patient { get; init; }

    public void Start()
    {
        _thread = new Thread(Run) { Name = "pacer", IsBackground = true };
        _thread.Start();
    }

    /// <summary>No further claims; what waits is still looked after.</summary>
    public void StopOffering() => _offering = false;

    public void Dispose()
    {
        _stop.Set();
        _thread?.Join();
        _stop.Dispose();
    }

    private void Run()
    {
        try
        {
            bool behind;
            do
            {
                behind = SendDue();
                Delays.Drain();
                foreach (LanePool pool in Patient)
                    pool.Kick();
            }
            while (!_stop.WaitOne(behind ? 0 : WaitMilliseconds));
        }
        catch (Exception e)
        {
            // A thread of its own has nobody to throw to: the run ends with this.
            fault(e);
        }
    }

    private bool SendDue()
    {
        TimeSpan now = clock.Elapsed;
        for (int burst = 0; burst < BurstMax; burst++)
        {
            if (schedule is null || !_offering || _next >= schedule.Count || schedule.IntendedAt(_next) > now)
                return false;
            send(_next++);
        }
        return true;
    }
}
