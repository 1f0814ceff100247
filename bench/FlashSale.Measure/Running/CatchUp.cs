using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using FlashSale.Chaos.Servers;
using FlashSale.Server.Operations;

namespace FlashSale.Measure.Running;

/// <summary>Waits until a backlog is done, by what processes tell of their partitions.</summary>
internal static class CatchUp
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Within = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan DecidedWithin = TimeSpan.FromMinutes(2);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Seconds from the last look that saw nothing done until everything is.</summary>
    /// <param name="ends">The next offset of each command partition.</param>
    /// <param name="reached">How far a partition is: an offset of its commands.</param>
    public static async Task<double> SecondsAsync(ServerNode server, IReadOnlyList<long> ends, Func<PartitionResponse, long?> reached, CancellationToken cancel)
    {
        var looks = await FollowAsync(server, ends, reached, cancel);
        return (looks[^1].At - looks[0].At).TotalSeconds;
    }

    /// <summary>What was seen from the last look that saw nothing done to the first that saw everything done. For the parameters see <see cref="SecondsAsync"/>.</summary>
    public static async Task<IReadOnlyList<Look>> FollowAsync(ServerNode server, IReadOnlyList<long> ends, Func<PartitionResponse, long?> reached, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        var looks = new List<Look> { new(TimeSpan.Zero, new long[ends.Count]) };
        using var timer = new PeriodicTimer(Interval);
        while (clock.Elapsed < Within)
        {
            var at = clock.Elapsed;
            if (await LookAsync(server.Url, cancel) is { } partitions)
            {
                var offsets = new long[ends.Count];
                foreach (var partition in partitions)
                    offsets[partition.Partition] = reached(partition) ?? 0;
                if (offsets.All(o => o <= 0))
                    looks = [new Look(at, offsets)];
                else if (partitions.Count == ends.Count && offsets.Select((o, p) => ends[p] <= 1 || o >= ends[p] - 1).All(done => done))
                    return [.. looks, new Look(clock.Elapsed, offsets)];
                else
                    looks.Add(new Look(at, offsets));
            }
            else if (server.Process.HasExited)
            {
                throw new MeasureException($"the server has ended: {server.Process.Log}");
            }

            await timer.WaitForNextTickAsync(cancel);
        }

        throw new MeasureException($"the backlog was not done within {Within.TotalMinutes:0} minutes: {server.Process.Log}");
    }

    /// <summary>Waits until a node with the role api knows everything as decided.</summary>
    public static async Task DecidedAsync(string url, CancellationToken cancel)
    {
        // The node looks once a second where the log ends.
        await Task.Delay(1_200, cancel);
        for (var clock = Stopwatch.StartNew(); (await Metrics.ReadAsync(url, cancel)).Sum(Metrics.Lag) > 0; await Task.Delay(100, cancel))
        {
            if (clock.Elapsed > DecidedWithin)
                throw new MeasureException($"the decisions have not caught up within {DecidedWithin.TotalSeconds:0} s");
        }
    }

    /// <summary>Null while nobody answers.</summary>
    private static async Task<IReadOnlyList<PartitionResponse>?> LookAsync(string url, CancellationToken cancel)
    {
        try
        {
            return (await AdminHttp.Client.GetFromJsonAsync<PartitionsResponse>($"{url}/api/admin/partitions", Json, cancel))!.Partitions;
        }
        catch (Exception e) when (e is HttpRequestException or SocketException)
        {
            return null;
        }
    }
}

/// <summary>How far each command partition was at an instant.</summary>
internal readonly record struct Look(TimeSpan At, IReadOnlyList<long> Offsets);
