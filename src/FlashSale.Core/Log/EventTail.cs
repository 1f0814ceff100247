namespace FlashSale.Core.Log;

/// <summary>The last events of a partition: they say how far its commands have been decided and told, whatever the state store holds.</summary>
internal static class EventTail
{
    /// <summary>
    /// The highest command record answered by the events from an offset on, or the default where there is none. More than the last is looked at, as
    /// repeats of earlier events may stand at the end.
    /// </summary>
    /// <param name="strict">Whether an event that cannot be read or answers another log is refused; else it is passed over.</param>
    /// <exception cref="LogRefusedException">An event is refused.</exception>
    public static async Task<RecordPosition> HighestAnsweredAsync(
        ILog log, MachineTopics topics, int partition, LogId logId, LogBounds bounds, long from, bool strict, CancellationToken cancel)
    {
        var highest = default(RecordPosition);
        var next = Math.Max(bounds.Start, from);
        if (next >= bounds.End)
            return highest;

        await using var reader = log.Read(topics.Events, partition, next);
        while (next < bounds.End)
        {
            foreach (var record in await reader.ReadAsync(1_000, 1 << 20, cancel))
            {
                if (Answered(record, partition, logId, strict) is { } answered && answered.Offset >= highest.Offset)
                    highest = answered;
                next = record.Offset + 1;
            }
        }

        return highest;
    }

    private static RecordPosition? Answered(LogRecord record, int partition, LogId logId, bool strict)
    {
        try
        {
            var told = EventRecord.Decode(record.Value);
            if (told.Log != logId)
                throw new LogRefusedException($"the events of partition {partition} answer log {told.Log}, not {logId}: one of the two topics was recreated. Both must be of one installation");
            return told.Answers;
        }
        catch (LogRefusedException) when (!strict)
        {
            return null;
        }
    }
}
