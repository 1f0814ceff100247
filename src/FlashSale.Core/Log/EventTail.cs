namespace FlashSale.Core.Log;

/// <summary>The last events of a partition: they say how far its commands have been decided and told, whatever the state store holds.</summary>
internal static class EventTail
{
    /// <summary>
    /// The highest command record answered by the last <paramref name="records"/> events, or the default where there is no event. More than one is looked at, as
    /// repeats of earlier events may stand at the end; a result that is too low is safe for those who ask.
    /// </summary>
    /// <exception cref="LogRefusedException">An event answers another log.</exception>
    public static async Task<RecordPosition> HighestAnsweredAsync(
        ILog log, MachineTopics topics, int partition, LogId logId, LogBounds bounds, int records, CancellationToken cancel)
    {
        var highest = default(RecordPosition);
        var next = Math.Max(bounds.Start, bounds.End - records);
        if (next >= bounds.End)
            return highest;

        await using var reader = log.Read(topics.Events, partition, next);
        while (next < bounds.End)
        {
            foreach (var record in await reader.ReadAsync(1_000, 1 << 20, cancel))
            {
                var answer = EventRecord.Decode(record.Value);
                if (answer.Log != logId)
                    throw new LogRefusedException($"the events of partition {partition} answer log {answer.Log}, not {logId}: one of the topics was recreated. Both must be of one installation");
                if (answer.Answers.Offset >= highest.Offset)
                    highest = answer.Answers;
                next = record.Offset + 1;
            }
        }

        return highest;
    }
}
