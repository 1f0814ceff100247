using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;

namespace FlashSale.Server.Operations;

/// <summary>
/// Keeps the values of this host's meter and of the runtime's, and writes them in Prometheus' text format 0.0.4.
/// A measurement finds its cell by its labels without allocating, and adds to it without a lock. Writing is done by one
/// caller at a time, as it collects the observable instruments anew.
/// </summary>
public sealed class MetricsExporter : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const string RuntimeMeter = "System.Runtime";

    private readonly Lock _writing = new();
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<Instrument, MetricFamily> _families = new();

    public MetricsExporter(Telemetry telemetry)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == telemetry.Meter || instrument.Meter.Name == RuntimeMeter)
                listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(instrument, static i => new MetricFamily(i)));
        };
        _listener.SetMeasurementEventCallback<long>(static (_, value, labels, family) => ((MetricFamily)family!).Record(value, labels));
        _listener.SetMeasurementEventCallback<int>(static (_, value, labels, family) => ((MetricFamily)family!).Record(value, labels));
        _listener.SetMeasurementEventCallback<double>(static (_, value, labels, family) => ((MetricFamily)family!).Record(value, labels));
        _listener.Start();
    }

    /// <summary>All values as of now.</summary>
    public string Write()
    {
        var text = new StringBuilder(16 * 1024);
        lock (_writing)
        {
            foreach (var family in _families.Values)
                family.BeginCollection();
            _listener.RecordObservableInstruments();
            foreach (var family in _families.Values.OrderBy(static f => f.Name, StringComparer.Ordinal))
                family.Write(text);
        }

        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();
}
