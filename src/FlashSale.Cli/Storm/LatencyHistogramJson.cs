using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FlashSale.Cli.Storm;

/// <summary>
/// A histogram in a report: <c>{"maxMicroseconds":4711,"buckets":[[upToMicroseconds,count],...]}</c>, without the empty buckets.
/// Any percentile can be taken from it, and histograms of several runs can be added.
/// </summary>
internal sealed class LatencyHistogramJson : JsonConverter<LatencyHistogram>
{
    public override void Write(Utf8JsonWriter writer, LatencyHistogram value, JsonSerializerOptions options)
    {
        // On one line: indented, every number would have its own.
        var buckets = new StringBuilder("[");
        foreach ((long microseconds, long count) in value.Buckets())
            buckets.Append(CultureInfo.InvariantCulture, $"{(buckets.Length > 1 ? "," : "")}[{microseconds},{count}]");
        writer.WriteStartObject();
        writer.WriteNumber("maxMicroseconds", (long)value.Max.TotalMicroseconds);
        writer.WritePropertyName("buckets");
        writer.WriteRawValue(buckets.Append(']').ToString());
        writer.WriteEndObject();
    }

    public override LatencyHistogram Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        Recorded recorded = JsonSerializer.Deserialize<Recorded>(ref reader, options)!;
        try
        {
            if (recorded.Buckets.Any(b => b.Length != 2))
                throw new FormatException("a bucket is not a pair of numbers");
            return LatencyHistogram.FromBuckets(recorded.Buckets.Select(b => (b[0], b[1])), recorded.MaxMicroseconds);
        }
        catch (FormatException e)
        {
            throw new JsonException(e.Message, e);
        }
    }

    private sealed record Recorded
    {
        [JsonPropertyName("maxMicroseconds")]
        public required long MaxMicroseconds { get; init; }

        [JsonPropertyName("buckets")]
        public required long[][] Buckets { get; init; }
    }
}
