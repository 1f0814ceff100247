using FlashSale.Cli.Http;

namespace FlashSale.Cli.Storm;

/// <summary>Requests that are to be sent (again) at a later time. Each claim has at most one entry, which bounds it.</summary>
internal sealed class DelayQueue(StormClock clock)
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<(LanePool Pool, int Item), TimeSpan> _queue = new();

    public void Add(LanePool pool, int item, TimeSpan delay)
    {
        lock (_gate)
            _queue.Enqueue((pool, item), clock.Elapsed + delay);
    }

    /// <summary>Submits what is due.</summary>
    public void Drain()
    {
        while (TryTake(out (LanePool Pool, int Item) next))
            next.Pool.Submit(next.Item);
    }

    private bool TryTake(out (LanePool Pool, int Item) next)
    {
        lock (_gate)
        {
            if (_queue.TryPeek(out next, out TimeSpan due) && due <= clock.Elapsed)
            {
                _queue.Dequeue();
                return true;
            }
        }
        return false;
    }
}
