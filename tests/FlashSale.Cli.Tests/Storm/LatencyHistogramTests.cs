using FlashSale.Cli.Storm;

namespace FlashSale.Cli.Tests.Storm;

public sealed class LatencyHistogramTests
{
    [Theory]
    [InlineData(0.5)]
    [InlineData(0.95)]
    [InlineData(0.99)]
    [InlineData(0.999)]
    [InlineData(1)]
    public void Percentile_RandomValues_IsWithinOnePercentOfTheSortedOnes(double share)
    {
        var random = new Random(7);
        var histogram = new LatencyHistogram();
        long[] values = new long[20_000];
        for (int i = 0; i < values.Length; i++)
        {
            // From a few microseconds to about twenty minutes.
            values[i] = (long)Math.Exp(random.NextDouble() * 21);
            histogram.Record(TimeSpan.FromMicroseconds(values[i]));
        }
        Array.Sort(values);
        double expected = values[(int)Math.Ceiling(share * values.Length) - 1];
        Assert.InRange(histogram.Percentile(share).TotalMicroseconds, expected, expected * 1.01);
    }

    [Fact]
    public void Max_AnyValue_IsExact()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.FromMicroseconds(123_456_789));
        histogram.Record(TimeSpan.FromMicroseconds(5));
        Assert.Equal(TimeSpan.FromMicroseconds(123_456_789), histogram.Max);
        Assert.Equal(2, histogram.Count);
        Assert.Equal(TimeSpan.FromMicroseconds(123_456_789), histogram.Percentile(1));
    }

    [Fact]
    public void Percentile_NothingRecorded_IsZero() => Assert.Equal(TimeSpan.Zero, new LatencyHistogram().Percentile(0.99));

    [Fact]
    public void Record_OutOfRange_IsClamped()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.FromMilliseconds(-1));
        Assert.Equal(TimeSpan.Zero, histogram.Percentile(1));
        histogram.Record(TimeSpan.MaxValue);
        Assert.True(histogram.Max > TimeSpan.FromDays(3));
    }

    [Fact]
    public void Record_FromManyThreads_CountsEach()
    {
        var histogram = new LatencyHistogram();
        Parallel.For(0, 10_000, i => histogram.Record(TimeSpan.FromMicroseconds(i)));
        Assert.Equal(10_000, histogram.Count);
        Assert.Equal(TimeSpan.FromMicroseconds(9_999), histogram.Max);
    }
}
