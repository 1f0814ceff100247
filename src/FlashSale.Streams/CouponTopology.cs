using Confluent.Kafka;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Processors.Public;
using Streamiz.Kafka.Net.SerDes;
using Streamiz.Kafka.Net.Stream;

namespace FlashSale.Streams;

/// <summary>
/// Commands → processor → events. An event goes to the partition of the same number as the command record that it answers. There
/// is no store, so there is no internal topic, and no right to create one is needed: the state is in the machine's own store.
/// </summary>
internal static class CouponTopology
{
    /// <param name="open">Makes what runs a partition that a task was assigned; disposed when the task is closed.</param>
    /// <param name="gatherMax">Records of a partition that are decided together, at most.</param>
    public static Topology Build(MachineTopics topics, Func<int, SequentialPartition> open, HandedOver handedOver, int gatherMax, TimeProvider time)
    {
        var builder = new StreamBuilder();
        var bytes = new ByteArraySerDes();
        builder.Stream(topics.Commands, bytes, bytes)
            .Transform(TransformerBuilder.New<byte[], byte[], int, byte[]>().Transformer<CommandProcessor>(open, handedOver, gatherMax, time).Build())
            .To(topics.Events, static (_, partition, _, _, _) => new Partition(partition), new PartitionSerDes(), bytes);
        return builder.Build();
    }

    /// <summary>The partition travels as the key from processor to sink, and is not written.</summary>
    private sealed class PartitionSerDes : AbstractSerDes<int>
    {
        public override byte[]? Serialize(int data, SerializationContext context) => null;

        public override int Deserialize(byte[] data, SerializationContext context) => throw new NotSupportedException("events are only written here");
    }
}
