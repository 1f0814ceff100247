using System.Globalization;
using System.Net.Sockets;

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

    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(10) };

    private readonly Dictionary<string, double> _sums = [];

    private Metrics(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line[0] == '#' || line.LastIndexOf(' ') is not (> 0 and var space))
                continue;
            var brace = line.IndexOf('{', StringComparison.Ordinal);
            var name = line[..(brace < 0 ? space : brace)];
            _sums[name] = _sums.GetValueOrDefault(name) + double.Parse(line.AsSpan(space + 1), CultureInfo.InvariantCulture);
        }
    }

    public static async Task<Metrics> ReadAsync(string url, CancellationToken cancel)
    {
        try
        {
            return new Metrics(await Http.GetStringAsync($"{url}/metrics", cancel));
        }
        catch (Exception e) when (e is HttpRequestException or SocketException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new MeasureException($"{url} does not tell its metrics: {e.Message}", e);
        }
    }

    /// <summary>The sum over all labels; 0 where nothing has been counted yet.</summary>
    public double Sum(string name) => _sums.GetValueOrDefault(name);
}
