using System.Diagnostics;

namespace FlashSale.Measure.Running;

/// <summary>What a stretch of load came to.</summary>
/// <param name="Accepted">Claims answered 202, as the servers count them.</param>
/// <param name="Refused">Claims refused at the door.</param>
/// <param name="AllocatedBytes">By the servers' managed code.</param>
/// <param name="Cpu">By process; all servers are one.</param>
/// <param name="Threads">Of the servers' threads that live at the end, by what they are for.</param>
internal sealed record LoadWindow(
    double Seconds, double Accepted, double Refused, double AllocatedBytes,
    IReadOnlyDictionary<string, CpuTime> Cpu, IReadOnlyDictionary<string, CpuTime> Threads)
{
    /// <summary>Name under which the load generator is kept, which is no part of a claim's cost.</summary>
    public const string Generator = "load generator";

    /// <summary>Name under which servers are kept.</summary>
    public const string Server = "server";

    public double AcceptedPerSecond => Accepted / Seconds;

    public double RefusedPerSecond => Refused / Seconds;

    public double AllocatedPerClaim => AllocatedBytes / (Accepted + Refused);

    /// <summary>Microseconds of CPU time for an accepted claim, over all processes but the generator.</summary>
    public double CpuPerClaim => Cpu.Where(c => c.Key != Generator).Sum(c => c.Value.Total) * 1e6 / Accepted;

    /// <summary>Microseconds for an accepted claim by process.</summary>
    public IEnumerable<CpuShare> Processes => Cpu.Select(c => Share(c.Key, c.Value));

    /// <summary>Microseconds for an accepted claim by process, and by thread of the servers.</summary>
    public IReadOnlyList<CpuShare> Profile => [.. Processes, .. Threads.OrderByDescending(t => t.Value.Total).Select(t => Share($"{Server}: {t.Key}", t.Value))];

    private CpuShare Share(string name, CpuTime time) => new(name, time.User * 1e6 / Accepted, time.System * 1e6 / Accepted);
}

/// <summary>Takes what counters and clocks say at an instant; the difference of two is a <see cref="LoadWindow"/>.</summary>
/// <param name="urls">Of the servers that claims are sent to.</param>
/// <param name="pids">Processes whose CPU time is counted; those of one name together.</param>
internal sealed class LoadMeter(IReadOnlyList<string> urls, IReadOnlyList<KeyValuePair<string, int>> pids)
{
    private Sample _from;

    /// <summary>A window begins.</summary>
    public async Task BeginAsync(CancellationToken cancel) => _from = await TakeAsync(cancel);

    /// <summary>The window since <see cref="BeginAsync"/>.</summary>
    public async Task<LoadWindow> EndAsync(CancellationToken cancel)
    {
        var (from, to) = (_from, await TakeAsync(cancel));
        return new LoadWindow(Stopwatch.GetElapsedTime(from.At, to.At).TotalSeconds, to.Accepted - from.Accepted, to.Refused - from.Refused, to.Allocated - from.Allocated,
            pids.Zip(from.Cpu, to.Cpu).GroupBy(c => c.First.Key).ToDictionary(g => g.Key, g => g.Aggregate(default(CpuTime), (sum, c) => sum + (c.Third - c.Second))),
            ByPurpose(from.Threads, to.Threads));
    }

    /// <summary>Of the threads that live at the end: those of a pool come and go, and take what they had with them.</summary>
    private static Dictionary<string, CpuTime> ByPurpose(IReadOnlyDictionary<int, (string Purpose, CpuTime Cpu)> from, IReadOnlyDictionary<int, (string Purpose, CpuTime Cpu)> to) =>
        to.GroupBy(t => t.Value.Purpose).ToDictionary(g => g.Key, g => g.Aggregate(default(CpuTime), (sum, t) => sum + (t.Value.Cpu - from.GetValueOrDefault(t.Key).Cpu)));

    private async Task<Sample> TakeAsync(CancellationToken cancel)
    {
        var metrics = await Task.WhenAll(urls.Select(url => Metrics.ReadAsync(url, cancel)));
        return new Sample(Stopwatch.GetTimestamp(), metrics.Sum(m => m.Sum(Metrics.Accepted)), metrics.Sum(m => m.Sum(Metrics.Refused)), metrics.Sum(m => m.Sum(Metrics.Allocated)),
            [.. pids.Select(p => ProcFs.Cpu(p.Value))], pids.Where(p => p.Key == LoadWindow.Server).SelectMany(p => ProcFs.Threads(p.Value)).ToDictionary());
    }

    private readonly record struct Sample(
        long At, double Accepted, double Refused, double Allocated, IReadOnlyList<CpuTime> Cpu, IReadOnlyDictionary<int, (string Purpose, CpuTime Cpu)> Threads);
}

/// <summary>Notes values again and again while something runs.</summary>
internal sealed class Sampler : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<(double Seconds, double[] Values)> _samples = [];
    private readonly Task _running;

    /// <param name="take">Yields one value for each line of the picture to be.</param>
    public Sampler(TimeSpan interval, Func<CancellationToken, Task<double[]>> take) => _running = RunAsync(interval, take);

    /// <summary>What was noted, one list of points for each value.</summary>
    public IReadOnlyList<Series> Lines(params string[] names)
    {
        lock (_samples)
        {
            var seconds = _samples.Select(s => s.Seconds).ToList();
            return [.. names.Select((name, i) => new Series(name, seconds, [.. _samples.Select(s => s.Values[i])]))];
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync(TimeSpan interval, Func<CancellationToken, Task<double[]>> take)
    {
        var clock = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(interval);
        try
        {
            do
            {
                try
                {
                    var values = await take(_stop.Token);
                    lock (_samples)
                    {
                        _samples.Add((clock.Elapsed.TotalSeconds, values));
                    }
                }
                catch (MeasureException)
                {
                    // A process that is too busy to answer is seen by what is measured of it.
                }
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }
}

/// <summary>What series of values come to.</summary>
internal static class SeriesMath
{
    /// <summary>Rates of a counter between its samples.</summary>
    public static Series Rate(this Series counter, string name) => new(name, [.. counter.Seconds.Skip(1)],
        [.. counter.Values.Skip(1).Select((v, i) => (v - counter.Values[i]) / Math.Max(counter.Seconds[i + 1] - counter.Seconds[i], 0.001))]);

    /// <summary>The median of the values in a part of the time, both ends given as shares of it.</summary>
    public static double MedianOf(this Series series, double from, double to)
    {
        var last = series.Seconds.Count == 0 ? 0 : series.Seconds[^1];
        return Figure.Median([.. series.Values.Where((_, i) => series.Seconds[i] >= from * last && series.Seconds[i] <= to * last)]);
    }
}
