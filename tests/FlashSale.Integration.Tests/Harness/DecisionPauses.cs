using FlashSale.Core.Log;

namespace FlashSale.Integration.Tests.Harness;

/// <summary>For how long nothing was told of a partition while it was being claimed from, by the times in its events.</summary>
internal static class DecisionPauses
{
    /// <summary>The longest pause of each partition between two moments, the pause at either end included.</summary>
    public static async Task<TimeSpan[]> LongestAsync(Installation installation, DateTimeOffset from, DateTimeOffset to)
    {
        await using var log = installation.OpenLog();
        var longest = new TimeSpan[installation.Partitions];
        for (var partition = 0; partition < installation.Partitions; partition++)
        {
            var bounds = await log.BoundsAsync(installation.Topics.Events, partition, CancellationToken.None);
            var last = from;
            await foreach (var record in Truth.RecordsAsync(log, installation.Topics.Events, partition, bounds.End))
            {
                var told = DateTimeOffset.FromUnixTimeMilliseconds(EventRecord.Decode(record.Value).ToldAtMs);
                if (told <= from || told > to)
                    continue;
                longest[partition] = Max(longest[partition], told - last);
                last = told;
            }

            longest[partition] = Max(longest[partition], to - last);
        }

        return longest;
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
