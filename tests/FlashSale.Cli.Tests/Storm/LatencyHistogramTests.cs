using System.Text.Json;
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

    [Fact]
    public void Json_WrittenAndRead_IsTheSame()
    {
        var random = new Random(3);
        var histogram = new LatencyHistogram();
        for (int i = 0; i < 5000; i++)
            histogram.Record(TimeSpan.FromMicroseconds(Math.Exp(random.NextDouble() * 25)));
        LatencyHistogram read = JsonSerializer.Deserialize<LatencyHistogram>(JsonSerializer.Serialize(histogram))!;
        Assert.Equal(histogram.Buckets(), read.Buckets());
        Assert.Equal(histogram.Max, read.Max);
        Assert.Equal(5000, read.Count);
        Assert.Equal(histogram.Percentile(0.99), read.Percentile(0.99));
    }

    [Fact]
    public void Json_NothingRecorded_CanBeRead()
    {
        string json = JsonSerializer.Serialize(new LatencyHistogram());
        Assert.Equal("""{"maxMicroseconds":0,"buckets":[]}""", json);
        Assert.Equal(0, JsonSerializer.Deserialize<LatencyHistogram>(json)!.Count);
    }

    [Theory]
    [InlineData("[[5,1],[3,1]]", 5)]
    [InlineData("[[5,1],[5,1]]", 5)]
    [InlineData("[[5,0]]", 5)]
    [InlineData("[[5,-1]]", 5)]
    [InlineData("[[-5,1]]", 5)]
    [InlineData("[[999999999999,1]]", 5)]
    [InlineData("[[5]]", 5)]
    [InlineData("[[5,1]]", 6)]
    [InlineData("[]", 6)]
    [InlineData("[[5,1]]", -1)]
    public void Json_BucketsOfNoHistogram_AreRefused(string buckets, long max) =>
        Assert.Throws<JsonException>(() => Read($$"""{"maxMicroseconds":{{max}},"buckets":{{buckets}}}"""));

    private static LatencyHistogram Read(string json) => JsonSerializer.Deserialize<LatencyHistogram>(json)!;
}
