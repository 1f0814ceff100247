using System.Globalization;

namespace FlashSale.Measure.Running;

/// <summary>What a process tells under <c>/metrics</c>, at one instant.</summary>
internal sealed class Metrics
{
    public const string Accepted = "flashsale_door_accepted_total";
    public const string Refused = "flashsale_door_refused_total";
    public const string Allocated = "dotnet_gc_heap_total_allocated_bytes_total";
    public const string Lag = "flashsale_partition_lag";
    public const string Decided = "flashsale_partition_decided";
    public const string Written = "flashsale_ledger_written";
    public const string LagAge = "flashsale_partition_lag_age_seconds";

    /// <summary>From a claim's arrival until the log has acknowledged it.</summary>
    public const string AppendBuckets = "flashsale_door_append_duration_seconds_bucket";

    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(10) };

    private const string BoundLabel = "le=\"";

    private readonly Dictionary<string, double> _sums = [];
    private readonly SortedDictionary<(string Name, double Bound), double> _buckets = [];

    private Metrics(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line[0] == '#' || line.LastIndexOf(' ') is not (> 0 and var space))
                continue;
            var brace = line.IndexOf('{', StringComparison.Ordinal);
            var name = line[..(brace < 0 ? space : brace)];
            var value = double.Parse(line.AsSpan(space + 1), CultureInfo.InvariantCulture);
            _sums[name] = _sums.GetValueOrDefault(name) + value;
            if (line.IndexOf(BoundLabel, StringComparison.Ordinal) is > 0 and var label)
                _buckets[(name, Bound(line[(label + BoundLabel.Length)..]))] = value;
        }
    }

    public static async Task<Metrics> ReadAsync(string url, CancellationToken cancel)
    {
        try
        {
            return new Metrics(await Http.GetStringAsync($"{url}/metrics", cancel));
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new MeasureException($"{url} does not tell its metrics: {e.Message}", e);
        }
    }

    /// <summary>The bound of a histogram below which this share of what was observed between here and <paramref name="later"/> lies; infinite above the last one.</summary>
    public double PercentileBetween(Metrics later, string buckets, double share)
    {
        var between = later._buckets.Where(b => b.Key.Name == buckets).Select(b => (b.Key.Bound, Count: b.Value - _buckets.GetValueOrDefault(b.Key))).ToList();
        return between.Count == 0 || between[^1].Count == 0 ? double.NaN : between.First(b => b.Count >= share * between[^1].Count).Bound;
    }

    private static double Bound(string text) =>
        text[..text.IndexOf('"', StringComparison.Ordinal)] is var bound && bound == "+Inf" ? double.PositiveInfinity : double.Parse(bound, CultureInfo.InvariantCulture);

    /// <summary>The sum over all labels; 0 where nothing has been counted yet.</summary>
    public double Sum(string name) => _sums.GetValueOrDefault(name);
}
