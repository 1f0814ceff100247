namespace FlashSale.Core.Door;

/// <summary>
/// Paces the appends of a node, all partitions together: each costs Kafka and everything behind it about as much as the other, however few commands
/// it holds, so a node that serves many partitions lets each of them gather for longer. May be called by any thread.
/// </summary>
public sealed class AppendPace(DoorOptions options, TimeProvider time)
{
    /// <summary>Appends that may begin at the same time after a quiet time.</summary>
    private const int Burst = 16;

    /// <summary>A partition waits for no more than so many of <see cref="DoorOptions.AppendInterval"/>.</summary>
    private const int IntervalsMax = 4;

    private readonly Lock _gate = new();
    private readonly long _gap = options.AppendRate == 0 ? 0 : time.TimestampFrequency / options.AppendRate;
    private long _next = long.MinValue;

    /// <summary>Takes the place of the next append; yields how long it has to wait for that.</summary>
    public TimeSpan Take()
    {
        if (_gap == 0)
            return TimeSpan.Zero;
        var now = time.GetTimestamp();
        var latest = now + (long)(IntervalsMax * options.AppendInterval.TotalSeconds * time.TimestampFrequency);
        lock (_gate)
        {
            var place = Math.Clamp(_next, now - Burst * _gap, latest);
            _next = place + _gap;
            return place <= now ? TimeSpan.Zero : time.GetElapsedTime(now, place);
        }
    }
}
