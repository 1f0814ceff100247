using System.Numerics;
using System.Text.Json.Serialization;

namespace FlashSale.Cli.Storm;

/// <summary>
/// Counts durations in buckets whose width grows with the value: 128 per power of two, so that a percentile is at most 0.8% too
/// high, in 33 KB whatever is recorded. Safe for concurrent recording; reading while others record gives a slightly older picture.
/// </summary>
[JsonConverter(typeof(LatencyHistogramJson))]
internal sealed class LatencyHistogram
{
    private const int SubBits = 7;
    private const int SubCount = 1 << SubBits;

    // 2^38 microseconds are three days: longer than any storm.
    private const int ValueBits = 38;
    private const long MicrosecondsMax = (1L << ValueBits) - 1;

    private readonly long[] _counts = new long[(ValueBits - SubBits + 1) * SubCount];
    private long _count;
    private long _max;

    public long Count => Interlocked.Read(ref _count);

    /// <summary>The longest duration recorded, exactly.</summary>
    public TimeSpan Max => TimeSpan.FromMicroseconds(Interlocked.Read(ref _max));

    public void Record(TimeSpan duration)
    {
        long value = Math.Clamp((long)Math.Ceiling(duration.TotalMicroseconds), 0, MicrosecondsMax);
        Interlocked.Increment(ref _counts[IndexOf(value)]);
        Interlocked.Increment(ref _count);
        long max;
        while (value > (max = Interlocked.Read(ref _max)))
            Interlocked.CompareExchange(ref _max, value, max);
    }

    /// <summary>The duration that this share (0 to 1) of the recorded ones does not exceed; zero when nothing was recorded.</summary>
    public TimeSpan Percentile(double share)
    {
        long count = Count;
        if (count == 0)
            return TimeSpan.Zero;
        long wanted = Math.Max(1, (long)Math.Ceiling(share * count));
        long seen = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            seen += Interlocked.Read(ref _counts[i]);
            if (seen >= wanted)
                return TimeSpan.FromMicroseconds(Math.Min(HighestOf(i), Interlocked.Read(ref _max)));
        }
        return Max;
    }

    /// <summary>The buckets that are not empty, from the shortest duration on: the longest duration of each, in microseconds, and its count.</summary>
    public IEnumerable<(long Microseconds, long Count)> Buckets()
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            long count = Interlocked.Read(ref _counts[i]);
            if (count > 0)
                yield return (HighestOf(i), count);
        }
    }

    /// <summary>The histogram with these buckets.</summary>
    /// <exception cref="FormatException">They are none of a histogram: out of order or range, or the longest duration is in none.</exception>
    public static LatencyHistogram FromBuckets(IEnumerable<(long Microseconds, long Count)> buckets, long maxMicroseconds)
    {
        var histogram = new LatencyHistogram();
        int last = -1;
        foreach ((long microseconds, long count) in buckets)
        {
            if (microseconds is < 0 or > MicrosecondsMax || count <= 0 || IndexOf(microseconds) <= last)
                throw new FormatException($"a bucket of {count} durations up to {microseconds} microseconds is out of place");
            last = IndexOf(microseconds);
            histogram._counts[last] = count;
            histogram._count += count;
        }
        // It may be below the last bucket, if that was written while others still recorded.
        if (maxMicroseconds is < 0 or > MicrosecondsMax || IndexOf(maxMicroseconds) > Math.Max(0, last))
            throw new FormatException($"the longest duration, {maxMicroseconds} microseconds, is in no bucket");
        histogram._max = maxMicroseconds;
        return histogram;
    }

    private static int IndexOf(long value)
    {
        int shift = Math.Max(0, BitOperations.Log2((ulong)value) - SubBits);
        return (shift * SubCount) + (int)(value >> shift);
    }

    private static long HighestOf(int index)
    {
        int shift = Math.Max(0, (index / SubCount) - 1);
        long sub = index - (shift * SubCount);
        return ((sub + 1) << shift) - 1;
    }
}
