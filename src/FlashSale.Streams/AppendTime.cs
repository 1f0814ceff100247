using Confluent.Kafka;
using Streamiz.Kafka.Net.Processors;

namespace FlashSale.Streams;

/// <summary>A record's own time, never negative: Streamiz would drop the record. It enters no decision.</summary>
internal sealed class AppendTime : ITimestampExtractor
{
    public long Extract(ConsumeResult<object, object> record, long partitionTime) => Math.Max(0, record.Message.Timestamp.UnixTimestampMs);
}
