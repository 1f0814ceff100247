using Confluent.Kafka;

namespace FlashSale.Kafka;

/// <summary>Two habits of the client (librdkafka) cost a member of a group up to a second each, in which partitions that move stand still. This meets them, whichever engine the member runs.</summary>
internal sealed class PromptMember
{
    private bool _hasJoinedAgain;

    /// <summary>
    /// Has the client look whether a heartbeat is due; to be called some twenty times a second. Its main thread does so whenever it has something to do, else
    /// once a second (<c>rd_kafka_thread_main</c>). It answers this question itself, without the broker.
    /// </summary>
    public static void Wake<TKey, TValue>(IConsumer<TKey, TValue> consumer) => _ = consumer.MemberId;

    /// <summary>
    /// To be called for each assignment. A new member has nothing until others have given partitions back, and has to join once more to get them: the client does
    /// that a second after it has joined (<c>rkcg_join_intvl</c>); but at once if it is subscribed anew while it is assigned something.
    /// Once only: a group may have more members than partitions.
    /// </summary>
    /// <param name="hasPartitions">Whether the member has any partition now.</param>
    public void Assigned<TKey, TValue>(IConsumer<TKey, TValue> consumer, bool hasPartitions)
    {
        if (!hasPartitions && !_hasJoinedAgain)
            consumer.Subscribe(consumer.Subscription);
        _hasJoinedAgain = !hasPartitions;
    }
}
