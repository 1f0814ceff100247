using System.Runtime.InteropServices;
using FlashSale.Cli.Storm.Ceiling;
using FlashSale.Cli.Storm.Searching;

namespace FlashSale.Cli.Storm;

/// <summary>A number of claims with what became of them.</summary>
internal sealed record OutcomeCount(string Outcome, string? Reason, long Count);

/// <summary>Percentiles in milliseconds, and all that was recorded.</summary>
internal sealed record LatencyRow(string Name, long Count, double P50, double P95, double P99, double P999, double Max, LatencyHistogram Histogram)
{
    public const string Accepted = "until the 202";
    public const string RefusedAtDoor = "until a refusal at the door";
    public const string Decided = "until decided";
    public const string Behind = "generator behind schedule";

    public static LatencyRow Of(string name, LatencyHistogram histogram) => new(
        name,
        histogram.Count,
        histogram.Percentile(0.5).TotalMilliseconds,
        histogram.Percentile(0.95).TotalMilliseconds,
        histogram.Percentile(0.99).TotalMilliseconds,
        histogram.Percentile(0.999).TotalMilliseconds,
        histogram.Max.TotalMilliseconds,
        histogram);
}

/// <summary>What was asked for.</summary>
/// <param name="Profile">constant, spike, mixed or soak.</param>
/// <param name="ClosedLoop">Callers of a closed loop; null: an open one.</param>
/// <param name="Connections">Most claims in flight.</param>
internal sealed record LoadRow(string Profile, double RampSeconds, int? ClosedLoop, bool Http2, int Connections, double? P99LimitMilliseconds);

/// <summary>One campaign's line in the report.</summary>
internal sealed record CampaignRow(
    string CampaignId, long Quantity, long IssuedBefore, long? IssuedAfter, long Told, long Accepted, long Decided, long SoldOut, long? LedgerRows)
{
    public static CampaignRow Of(CampaignEvidence e) => new(
        e.CampaignId, e.Quantity, e.IssuedBefore, e.IssuedAfter.Max(), e.Told.Count, e.Accepted, e.Decided, e.SoldOut, e.LedgerRows);
}

/// <summary>What the load generator itself used.</summary>
internal sealed record GeneratorUse(
    double CpuSeconds, double CpuMicrosecondsPerRequest, int Gen0, int Gen1, int Gen2, double GcPauseMilliseconds, long Connections, long ClaimsQueued, long SamplesQueued);

/// <summary>Where the storm ran.</summary>
internal sealed record MachineInfo(int Cores, double MemoryGigabytes, string System, string Runtime)
{
    public static MachineInfo Current() => new(
        Environment.ProcessorCount,
        Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9, 1),
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription);
}

/// <summary>All that a storm has to tell; this is what --json writes.</summary>
internal sealed record StormReport
{
    public required DateTimeOffset StartedAt { get; init; }

    public required IReadOnlyList<string> Urls { get; init; }

    public required bool Interrupted { get; init; }

    public required int Users { get; init; }

    public required int Repeats { get; init; }

    public required LoadRow Load { get; init; }

    /// <summary>The highest rate in claims per second; null in a closed loop.</summary>
    public required double? RateIntended { get; init; }

    /// <summary>Claims sent per second, on average.</summary>
    public required double RateAchieved { get; init; }

    /// <summary>202 per second, on average after the warm-up.</summary>
    public required double AcceptedPerSecond { get; init; }

    /// <summary>Refusals at the door per second, on average after the warm-up.</summary>
    public required double RefusedPerSecond { get; init; }

    public required double WarmUpSeconds { get; init; }

    public required double StormSeconds { get; init; }

    public required double SettleSeconds { get; init; }

    public required double DecisionSampleShare { get; init; }

    public required long Offered { get; init; }

    public required long Accepted { get; init; }

    public required long RefusedAtDoor { get; init; }

    public required long Unknown { get; init; }

    public required long Unexpected { get; init; }

    public required string? FirstUnexpected { get; init; }

    public required IReadOnlyList<OutcomeCount> Outcomes { get; init; }

    public required IReadOnlyList<LatencyRow> LatenciesMilliseconds { get; init; }

    public required IReadOnlyList<SecondRow> Seconds { get; init; }

    public required IReadOnlyList<CampaignRow> Campaigns { get; init; }

    public required GeneratorUse Generator { get; init; }

    public required MachineInfo Machine { get; init; }

    /// <summary>What the generator reaches against a server that does nothing; null where that was not measured.</summary>
    public CeilingRow? Ceiling { get; init; }

    /// <summary>The steps of <c>--find-rate</c>; the rest of the report is that of the highest rate that passed.</summary>
    public RateSearchRow? RateSearch { get; init; }

    /// <summary>Whether the p99 of the 202 is within its limit; null where there is none.</summary>
    public bool? WithinP99 { get; init; }

    /// <summary>Null when the storm was interrupted.</summary>
    public required Verdict? Verdict { get; init; }
}
