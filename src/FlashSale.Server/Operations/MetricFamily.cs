using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace FlashSale.Server.Operations;

/// <summary>One instrument with a cell for each set of labels that it has been used with.</summary>
internal sealed class MetricFamily
{
    /// <summary>Sets of labels per instrument; ours have at most 1,024 partitions times 6 states. Further ones are not counted: a label that callers choose must not fill the memory.</summary>
    private const int SeriesMax = 10_000;

    private static readonly double[] DefaultBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    /// <summary>Published by the runtime as counters, although they go down as well.</summary>
    private static readonly string[] NotCounters = ["dotnet.thread_pool.thread.count", "dotnet.thread_pool.queue.length"];

    private readonly string _help;
    private readonly MetricKind _kind;
    private readonly bool _isObserved;
    private readonly double[] _boundaries;
    private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], MetricCell> _cells = new(LabelsComparer.Shared);
    private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], MetricCell>.AlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>> _byLabels;
    private int _collection;

    public MetricFamily(Instrument instrument)
    {
        _byLabels = _cells.GetAlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>>();
        _isObserved = instrument.IsObservable;
        var type = instrument.GetType();
        var generic = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        _kind = NotCounters.Contains(instrument.Name) || generic == typeof(UpDownCounter<>) ? MetricKind.UpDownCounter
            : generic == typeof(Counter<>) || generic == typeof(ObservableCounter<>) ? MetricKind.Counter
            : generic == typeof(Histogram<>) ? MetricKind.Histogram
            : MetricKind.Gauge;
        _boundaries = _kind != MetricKind.Histogram ? []
            : (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries is { Count: > 0 } advised ? [.. advised] : DefaultBoundaries;
        Name = NameOf(instrument.Name, instrument.Unit, _kind);
        _help = (instrument.Description ?? "").Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
    }

    public string Name { get; }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (!_byLabels.TryGetValue(labels, out var cell))
        {
            if (_cells.Count >= SeriesMax)
                return;
            cell = _cells.GetOrAdd(labels.ToArray(), static (key, family) => new MetricCell(LabelsText(key), family._boundaries.Length), this);
        }

        if (_isObserved)
            cell.Collection = _collection;
        if (_kind == MetricKind.Histogram)
            cell.Observe(value, _boundaries);
        else if (_isObserved || _kind == MetricKind.Gauge)
            cell.Set(value);
        else
            cell.Add(value);
    }

    /// <summary>From here on, observed values not seen again are gone.</summary>
    public void BeginCollection() => _collection++;

    public void Write(StringBuilder text)
    {
        var cells = _cells.Values.Where(c => !_isObserved || c.Collection == _collection).OrderBy(static c => c.Labels, StringComparer.Ordinal).ToList();
        if (cells.Count == 0)
            return;
        if (_help.Length > 0)
            text.Append("# HELP ").Append(Name).Append(' ').Append(_help).Append('\n');
        text.Append("# TYPE ").Append(Name).Append(' ').Append(_kind switch
        {
            MetricKind.Counter => "counter",
            MetricKind.Histogram => "histogram",
            _ => "gauge",
        }).Append('\n');
        foreach (var cell in cells)
        {
            if (_kind == MetricKind.Histogram)
                WriteHistogram(text, cell);
            else
                Sample(text, Name, cell.Labels, cell.Value);
        }
    }

    private void WriteHistogram(StringBuilder text, MetricCell cell)
    {
        // Counts are taken before they are summed up, so that the buckets never contradict the total.
        var total = 0L;
        for (var i = 0; i <= _boundaries.Length; i++)
        {
            total += cell.BucketCount(i);
            var bound = i < _boundaries.Length ? Number(_boundaries[i]) : "+Inf";
            var label = $"le=\"{bound}\"";
            Sample(text, Name + "_bucket", cell.Labels.Length == 0 ? label : $"{cell.Labels},{label}", total);
        }

        Sample(text, Name + "_sum", cell.Labels, cell.Value);
        Sample(text, Name + "_count", cell.Labels, total);
    }

    private static void Sample(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
            text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>The name by the rules that OpenTelemetry states for Prometheus: unit and kind are suffixes.</summary>
    private static string NameOf(string name, string? unit, MetricKind kind)
    {
        var result = Sanitized(name);
        var suffix = unit switch
        {
            "s" => "_seconds",
            "ms" => "_milliseconds",
            "By" => "_bytes",
            "1" when kind == MetricKind.Gauge => "_ratio",
            _ => "",
        };
        if (!result.EndsWith(suffix, StringComparison.Ordinal))
            result += suffix;
        return kind == MetricKind.Counter && !result.EndsWith("_total", StringComparison.Ordinal) ? result + "_total" : result;
    }

    private static string LabelsText(KeyValuePair<string, object?>[] labels) => string.Join(',', labels.Select(static l =>
        $"{Sanitized(l.Key)}=\"{Escaped(Convert.ToString(l.Value, CultureInfo.InvariantCulture) ?? "")}\""));

    private static string Escaped(string value) => value
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Sanitized(string name) => string.Create(name.Length, name, static (to, from) =>
    {
        for (var i = 0; i < to.Length; i++)
            to[i] = char.IsAsciiLetter(from[i]) || (i > 0 && char.IsAsciiDigit(from[i])) ? from[i] : '_';
    });

    private enum MetricKind
    {
        Counter,
        UpDownCounter,
        Gauge,
        Histogram,
    }

    /// <summary>Compares labels in their order: one place in the code names them in one order.</summary>
    private sealed class LabelsComparer :
        IEqualityComparer<KeyValuePair<string, object?>[]>, IAlternateEqualityComparer<ReadOnlySpan<KeyValuePair<string, object?>>, KeyValuePair<string, object?>[]>
    {
        public static readonly LabelsComparer Shared = new();

        public bool Equals(KeyValuePair<string, object?>[]? x, KeyValuePair<string, object?>[]? y) => Equals(x.AsSpan(), y!);

        public int GetHashCode([DisallowNull] KeyValuePair<string, object?>[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<KeyValuePair<string, object?>> alternate, KeyValuePair<string, object?>[] other)
        {
            if (alternate.Length != other.Length)
                return false;
            for (var i = 0; i < alternate.Length; i++)
            {
                if (alternate[i].Key != other[i].Key || !Equals(alternate[i].Value, other[i].Value))
                    return false;
            }

            return true;
        }

        public int GetHashCode(ReadOnlySpan<KeyValuePair<string, object?>> alternate)
        {
            var hash = new HashCode();
            foreach (var (_, value) in alternate)
                hash.Add(value);
            return hash.ToHashCode();
        }

        public KeyValuePair<string, object?>[] Create(ReadOnlySpan<KeyValuePair<string, object?>> alternate) => alternate.ToArray();
    }
}

/// <summary>The value of one set of labels. Any thread may add.</summary>
internal sealed class MetricCell(string labels, int boundaries)
{
    private readonly long[] _buckets = boundaries == 0 ? [] : new long[boundaries + 1];
    private double _value;

    /// <summary>The labels as they are written.</summary>
    public string Labels => labels;

    /// <summary>The sum, with a histogram that of what was observed.</summary>
    public double Value => Volatile.Read(ref _value);

    /// <summary>When an observed value was seen last.</summary>
    public int Collection { get; set; }

    public long BucketCount(int bucket) => Volatile.Read(ref _buckets[bucket]);

    public void Set(double value) => Volatile.Write(ref _value, value);

    public void Add(double value)
    {
        // Sums of integers are exact up to 2^53.
        var seen = Volatile.Read(ref _value);
        while (true)
        {
            var found = Interlocked.CompareExchange(ref _value, seen + value, seen);
            if (found.Equals(seen))
                return;
            seen = found;
        }
    }

    public void Observe(double value, double[] boundaries)
    {
        var bucket = 0;
        while (bucket < boundaries.Length && value > boundaries[bucket])
            bucket++;
        Interlocked.Increment(ref _buckets[bucket]);
        Add(value);
    }
}
