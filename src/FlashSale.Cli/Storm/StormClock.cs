namespace FlashSale.Cli.Storm;

/// <summary>Time since the first claim is due; negative before.</summary>
internal sealed class StormClock(TimeProvider time, TimeSpan lead)
{
    private readonly long _start = time.GetTimestamp() + (long)(lead.TotalSeconds * time.TimestampFrequency);

    public TimeProvider Time { get; } = time;

    public TimeSpan Elapsed
    {
        get
        {
            long now = Time.GetTimestamp();
            return now >= _start ? Time.GetElapsedTime(_start, now) : -Time.GetElapsedTime(now, _start);
        }
    }
}
