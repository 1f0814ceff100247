using FlashSale.Core.Log;

namespace FlashSale.Server.Operations;

/// <summary>
/// Reads pages of dead letters from their topic, newest first. Each partition is read backwards by offset; a page is merged by
/// the records' timestamps, and the next one begins, in each partition, where this one has ended.
/// </summary>
internal sealed class DeadLetterReader(ILog log, string topic, int partitions) : IDisposable
{
    public const int LimitMax = 200;

    /// <summary>Bytes shown of a letter. With those, a page of 200 is 300 KB.</summary>
    private const int PayloadMax = 1_024;

    /// <summary>Partitions read at a time.</summary>
    private const int ReadersMax = 8;

    /// <summary>The log takes one reader per partition.</summary>
    private readonly SemaphoreSlim _reading = new(1, 1);

    /// <exception cref="LogUnavailableException">The log did not answer.</exception>
    public async Task<DeadLetterPage> ReadAsync(int limit, DeadLetterCursor? before, CancellationToken cancel)
    {
        await _reading.WaitAsync(cancel);
        try
        {
            var read = new List<Letter>[partitions];
            await Parallel.ForEachAsync(Enumerable.Range(0, partitions), new ParallelOptions { MaxDegreeOfParallelism = ReadersMax, CancellationToken = cancel },
                async (partition, stop) => read[partition] = await ReadPartitionAsync(partition, limit, before, stop));
            return Page(read, limit, before);
        }
        finally
        {
            _reading.Release();
        }
    }

    public void Dispose() => _reading.Dispose();

    private async ValueTask<List<Letter>> ReadPartitionAsync(int partition, int limit, DeadLetterCursor? before, CancellationToken cancel)
    {
        var letters = new List<Letter>();
        if (before is not null && !before.Offsets.ContainsKey(partition))
            return letters;
        var bounds = await log.BoundsAsync(topic, partition, cancel);
        var end = before is null ? bounds.End : Math.Min(bounds.End, before.Offsets[partition]);
        // One more than asked for tells whether there are more.
        var from = Math.Max(bounds.Start, end - limit - 1);
        if (from >= end)
            return letters;

        await using var reader = log.Read(topic, partition, from);
        for (var next = from; next < end;)
        {
            foreach (var record in await reader.ReadAsync(limit + 1, 1 << 20, cancel))
            {
                next = record.Offset + 1;
                if (record.Offset < end)
                    letters.Add(new Letter(partition, record.Offset, record.TimestampMs, ResponseOf(partition, record)));
            }
        }

        letters.Reverse();
        return letters;
    }

    private DeadLetterResponse ResponseOf(int partition, in LogRecord record)
    {
        var letter = DeadLetterRecord.TryDecode(record.Value);
        var payload = letter?.Payload ?? record.Value;
        return new DeadLetterResponse(
            topic, partition, record.Offset, letter is null ? "" : new RecordAddress(letter.Partition, letter.Offset, 0).ToString(),
            letter?.Reason ?? "not-a-dead-letter", DateTimeOffset.FromUnixTimeMilliseconds(Math.Max(0, record.TimestampMs)),
            payload.Length, Convert.ToBase64String(payload.Span[..Math.Min(payload.Length, PayloadMax)]));
    }

    private static DeadLetterPage Page(List<Letter>[] read, int limit, DeadLetterCursor? before)
    {
        var taken = new int[read.Length];
        var letters = new List<DeadLetterResponse>(limit);
        while (letters.Count < limit && Newest(read, taken) is { } partition)
            letters.Add(read[partition][taken[partition]++].Response);

        var offsets = new SortedDictionary<int, long>();
        for (var p = 0; p < read.Length; p++)
        {
            if (taken[p] < read[p].Count)
                offsets.Add(p, read[p][taken[p]].Offset + 1);
        }

        return new DeadLetterPage(letters, offsets.Count == 0 ? null : new DeadLetterCursor(offsets));
    }

    /// <summary>The partition whose next letter is the newest.</summary>
    private static int? Newest(List<Letter>[] read, int[] taken)
    {
        int? newest = null;
        for (var p = 0; p < read.Length; p++)
        {
            if (taken[p] < read[p].Count && (newest is not { } n || read[p][taken[p]].TimestampMs > read[n][taken[n]].TimestampMs))
                newest = p;
        }

        return newest;
    }

    private readonly record struct Letter(int Partition, long Offset, long TimestampMs, DeadLetterResponse Response);
}

/// <summary>Some dead letters, newest first.</summary>
/// <param name="Next">Where the next page begins, or null.</param>
internal sealed record DeadLetterPage(IReadOnlyList<DeadLetterResponse> Letters, DeadLetterCursor? Next);

/// <summary>Where a page begins: for each partition that has letters left, the offset before which they are. Spelled <c>PARTITION-OFFSET</c>, separated by dots.</summary>
internal sealed record DeadLetterCursor(IReadOnlyDictionary<int, long> Offsets)
{
    public override string ToString() => string.Join('.', Offsets.Select(static o => $"{o.Key}-{o.Value}"));

    public static DeadLetterCursor? TryParse(string text, int partitions)
    {
        var offsets = new SortedDictionary<int, long>();
        foreach (var part in text.Split('.'))
        {
            var dash = part.IndexOf('-', StringComparison.Ordinal);
            if (dash <= 0 || !int.TryParse(part.AsSpan(0, dash), System.Globalization.NumberStyles.None, null, out var partition) || partition >= partitions
                || !long.TryParse(part.AsSpan(dash + 1), System.Globalization.NumberStyles.None, null, out var offset) || !offsets.TryAdd(partition, offset))
                return null;
        }

        return new DeadLetterCursor(offsets);
    }
}
