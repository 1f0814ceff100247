namespace FlashSale.Cli.Http;

/// <summary>
/// One request in flight: a connection of its own with HTTP/1.1, a stream of a shared one with HTTP/2.
/// A lane is used by one caller at a time: whoever takes it from its pool's idle stack runs it until the pool has nothing more for it.
/// </summary>
internal abstract class Lane(LanePool pool, TimeProvider time) : IDisposable
{
    protected const int ReceiveBytes = 2048;
    protected const int ReceiveBytesMax = 4 * 1024 * 1024;

    private long _idleSince;
    private long _busySince;

    protected LanePool Pool => pool;

    protected TimeProvider Time => time;

    /// <summary>How long there has been nothing to do.</summary>
    protected TimeSpan Idle => time.GetElapsedTime(_idleSince);

    /// <summary>Sends the request for this item and whatever the pool hands on afterwards.</summary>
    public async Task RunAsync(int item)
    {
        try
        {
            do
            {
                Volatile.Write(ref _busySince, time.GetTimestamp());
                await ExchangeAsync(item);
                _idleSince = time.GetTimestamp();
                Volatile.Write(ref _busySince, 0);
            }
            while (pool.TryNext(this, out item));
        }
        catch (Exception e)
        {
            // Nobody awaits a lane: the pool ends the whole run with this.
            pool.Fault(e);
        }
    }

    /// <summary>Breaks off a request that has had no answer for so long.</summary>
    public void AbortIfSince(long before)
    {
        long since = Volatile.Read(ref _busySince);
        if (since != 0 && since < before)
            Abort();
    }

    public void Dispose() => Abort();

    /// <summary>One request and its answer, or the reason for none, told to the pool's exchange.</summary>
    protected abstract ValueTask ExchangeAsync(int item);

    /// <summary>Breaks off what is under way, from any thread.</summary>
    protected abstract void Abort();
}
