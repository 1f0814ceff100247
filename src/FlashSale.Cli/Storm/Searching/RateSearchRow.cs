namespace FlashSale.Cli.Storm.Searching;

/// <summary>What <c>--find-rate</c> is to do.</summary>
/// <param name="First">Claims per second of the first step.</param>
/// <param name="Step">The measured part of a step.</param>
/// <param name="WarmUp">What comes before it.</param>
/// <param name="P99Limit">What the p99 of the 202 may be.</param>
internal sealed record RateSearchSettings(double First, TimeSpan Step, TimeSpan WarmUp, TimeSpan P99Limit);

/// <summary>One step.</summary>
/// <param name="P99Milliseconds">Of the 202.</param>
/// <param name="FailedBecause">Null: it passed.</param>
internal sealed record RateStep(double Rate, double RateAchieved, long Accepted, double P99Milliseconds, string? FailedBecause)
{
    public override string ToString() =>
        $"{Rate,10:N0}/s  sent {RateAchieved,8:N0}/s  accepted {Accepted,10:N0}  p99 of the 202 {P99Milliseconds,8:N1} ms  {(FailedBecause is null ? "passed" : $"failed: {FailedBecause}")}";
}

/// <summary>The outcome of a search.</summary>
/// <param name="Rate">The highest rate in claims per second that passed; null: none did.</param>
internal sealed record RateSearchRow(double? Rate, double P99LimitMilliseconds, IReadOnlyList<RateStep> Steps)
{
    /// <summary>In one line.</summary>
    public string Describe(bool interrupted) => interrupted
        ? $"SEARCH INTERRUPTED after {Steps.Count} steps; highest rate so far: {(Rate is null ? "none" : $"{Rate:N0} claims/s")}"
        : Rate is null
        ? $"NO RATE FOUND: not even {Steps.Min(s => s.Rate):N0} claims/s had a p99 within {P99LimitMilliseconds:0.##} ms ({Steps.Count} steps)"
        : $"HIGHEST RATE: {Rate:N0} claims/s with a p99 of the 202 within {P99LimitMilliseconds:0.##} ms ({Steps.Count} steps)";
}
