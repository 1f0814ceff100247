using System.Diagnostics.Metrics;
using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Server.Operations;

namespace FlashSale.Server.Tests.Operations;

public sealed class MetricsExporterTests : IDisposable
{
    private readonly Telemetry _telemetry = new();
    private readonly MetricsExporter _exporter;

    public MetricsExporterTests() => _exporter = new MetricsExporter(_telemetry);

    public void Dispose()
    {
        _exporter.Dispose();
        _telemetry.Dispose();
    }

    [Fact]
    public void Write_Counters_HaveLabelsAndTotals()
    {
        _telemetry.Refused(DoorRefusal.SoldOut);
        _telemetry.Refused(DoorRefusal.SoldOut);
        _telemetry.Refused(DoorRefusal.LogUnavailable);
        _telemetry.Decided(CouponOutcome.Issued, 7);
        Assert.Equal(
            """
            # HELP flashsale_door_refused_total Requests refused at the door, by code.
            # TYPE flashsale_door_refused_total counter
            flashsale_door_refused_total{code="log-unavailable"} 1
            flashsale_door_refused_total{code="sold-out"} 2

            """, Family("flashsale_door_refused_total"));
        Assert.Contains("flashsale_events_outcomes_total{outcome=\"issued\"} 7\n", _exporter.Write(), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_Histogram_HasCumulativeBucketsInSeconds()
    {
        _telemetry.Accepted(TimeSpan.FromMilliseconds(1));
        _telemetry.Accepted(TimeSpan.FromMilliseconds(2));
        _telemetry.Accepted(TimeSpan.FromMilliseconds(30));
        _telemetry.Accepted(TimeSpan.FromSeconds(9));
        var lines = Family("flashsale_door_append_duration_seconds").Split('\n');
        Assert.Equal("# TYPE flashsale_door_append_duration_seconds histogram", lines[1]);
        Assert.Equal("flashsale_door_append_duration_seconds_bucket{le=\"0.001\"} 1", lines[2]);
        Assert.Equal("flashsale_door_append_duration_seconds_bucket{le=\"0.0025\"} 2", lines[3]);
        Assert.Contains("flashsale_door_append_duration_seconds_bucket{le=\"0.05\"} 3", lines);
        Assert.Contains("flashsale_door_append_duration_seconds_bucket{le=\"5\"} 3", lines);
        Assert.Contains("flashsale_door_append_duration_seconds_bucket{le=\"+Inf\"} 4", lines);
        Assert.Contains(lines, l => l.StartsWith("flashsale_door_append_duration_seconds_sum 9.033", StringComparison.Ordinal));
        Assert.Contains("flashsale_door_append_duration_seconds_count 4", lines);
    }

    [Fact]
    public void Write_ObservedValues_AreThoseOfNow()
    {
        var partitions = new Dictionary<int, double> { [0] = 1.5, [1] = 2 };
        _telemetry.Observe("tests.lag", "s", "x", () => partitions.Select(p => new Measurement<double>(p.Value, new KeyValuePair<string, object?>("partition", p.Key))));
        Assert.Contains("# TYPE tests_lag_seconds gauge\ntests_lag_seconds{partition=\"0\"} 1.5\ntests_lag_seconds{partition=\"1\"} 2\n", _exporter.Write(), StringComparison.Ordinal);

        partitions.Remove(0);
        partitions[1] = -3;
        Assert.Contains("# TYPE tests_lag_seconds gauge\ntests_lag_seconds{partition=\"1\"} -3\n", _exporter.Write(), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_LabelsAndHelp_AreEscaped()
    {
        var counter = _telemetry.Meter.CreateCounter<int>("tests.odd-name", "By", "a \\ and\na line");
        counter.Add(2, new KeyValuePair<string, object?>("a.b", "quote \" slash \\ line\n"), new KeyValuePair<string, object?>("none", null));
        Assert.Equal(
            """
            # HELP tests_odd_name_bytes_total a \\ and\na line
            # TYPE tests_odd_name_bytes_total counter
            tests_odd_name_bytes_total{a_b="quote \" slash \\ line\n",none=""} 2

            """, Family("tests_odd_name_bytes_total"));
    }

    [Fact]
    public void Write_UnusedInstruments_AreLeftOut() => Assert.DoesNotContain("flashsale_", _exporter.Write(), StringComparison.Ordinal);

    [Fact]
    public void Write_OtherHostsMeters_AreNotMixedIn()
    {
        using var other = new Telemetry();
        other.DeadLetter();
        Assert.DoesNotContain("flashsale_engine_dead_letters", _exporter.Write(), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_Runtime_IsThere()
    {
        var text = _exporter.Write();
        Assert.Contains("# TYPE dotnet_gc_collections_total counter\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE dotnet_thread_pool_thread_count gauge\n", text, StringComparison.Ordinal);
        Assert.Contains("dotnet_process_cpu_time_seconds_total{cpu_mode=\"user\"} ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Record_FromManyThreads_LosesNothing()
    {
        Parallel.For(0, 8, _ =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                _telemetry.Refused(DoorRefusal.SoldOut);
                _telemetry.Accepted(TimeSpan.FromSeconds(1));
            }
        });
        var text = _exporter.Write();
        Assert.Contains("flashsale_door_refused_total{code=\"sold-out\"} 40000\n", text, StringComparison.Ordinal);
        Assert.Contains("flashsale_door_append_duration_seconds_sum 40000\n", text, StringComparison.Ordinal);
        Assert.Contains("flashsale_door_append_duration_seconds_count 40000\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Record_KnownLabels_AllocatesNothing()
    {
        void Measure()
        {
            _telemetry.Refused(DoorRefusal.SoldOut);
            _telemetry.Accepted(TimeSpan.FromSeconds(1));
        }

        for (var i = 0; i < 100; i++)
            Measure();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
            Measure();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private string Family(string name) => string.Concat(_exporter.Write().Split('\n')
        .Where(l => l.Split(' ') is [_, _, var named, ..] && l[0] == '#' ? named == name : l.StartsWith(name, StringComparison.Ordinal)).Select(l => l + "\n"));
}
