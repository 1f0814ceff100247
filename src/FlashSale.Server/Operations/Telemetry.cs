using System.Diagnostics.Metrics;
using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Server.Http;

namespace FlashSale.Server.Operations;

/// <summary>All metrics of a process, on one meter. Names follow OpenTelemetry's conventions.</summary>
public sealed class Telemetry : IDisposable
{
    public const string MeterName = "FlashSale";

    /// <summary>Appends take about a millisecond on an idle machine; the bound for the p99 is 25 ms, the append's timeout 3 s by default.</summary>
    private static readonly InstrumentAdvice<double> AppendBuckets = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    };

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _accepted;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _decided;
    private readonly Counter<long> _applied;
    private readonly Counter<long> _batches;
    private readonly Counter<long> _deadLetters;
    private readonly Counter<long> _faults;
    private readonly Histogram<double> _appendDuration;

    public Telemetry()
    {
        _accepted = _meter.CreateCounter<long>("flashsale.door.accepted", "{command}", "Commands acknowledged by the log.");
        _refused = _meter.CreateCounter<long>("flashsale.door.refused", "{request}", "Requests refused at the door, by code.");
        _appendDuration = _meter.CreateHistogram<double>("flashsale.door.append.duration", "s", "From a claim's arrival until the log has acknowledged it.", null, AppendBuckets);
        _applied = _meter.CreateCounter<long>("flashsale.engine.applied", "{command}", "Commands applied to the state by this process.");
        _batches = _meter.CreateCounter<long>("flashsale.engine.batches", "{batch}", "Calls of the state store that applied something.");
        _deadLetters = _meter.CreateCounter<long>("flashsale.engine.dead_letters", "{record}", "Records that could not be read.");
        _decided = _meter.CreateCounter<long>("flashsale.events.outcomes", "{command}", "Outcomes seen in the event stream by this node, by outcome.");
        _faults = _meter.CreateCounter<long>("flashsale.faults", "{fault}", "Faults, by the part that met them.");
    }

    /// <summary>The meter of this host; others of the same process have meters of the same name.</summary>
    public Meter Meter => _meter;

    /// <summary>Adds a value that is read when metrics are asked for.</summary>
    public void Observe(string name, string? unit, string description, Func<IEnumerable<Measurement<double>>> observe) =>
        _meter.CreateObservableGauge(name, observe, unit, description);

    public void Accepted(TimeSpan took)
    {
        _accepted.Add(1);
        _appendDuration.Record(took.TotalSeconds);
    }

    public void Refused(DoorRefusal refusal) => _refused.Add(1, new KeyValuePair<string, object?>("code", refusal.Code()));

    public void Applied(int commands)
    {
        _applied.Add(commands);
        _batches.Add(1);
    }

    public void DeadLetter() => _deadLetters.Add(1);

    public void Fault(string part) => _faults.Add(1, new KeyValuePair<string, object?>("part", part));

    public void Decided(CouponOutcome outcome, long count) => _decided.Add(count, new KeyValuePair<string, object?>("outcome", outcome.Name()));

    public void Dispose() => _meter.Dispose();
}
