namespace FlashSale.Cli.Storm.Searching;

/// <summary>Runs a storm for each step of a search, in the same campaigns with ever new users.</summary>
internal sealed class RateSearchRun(
    StormOptions options, RateSearchSettings settings, Func<TextWriter, IProgressView> createView, ILedgerCheck? ledger, TextWriter output, TimeProvider time)
{
    // A step passes with a few claims lost or refused, as by a short overload, but not with more.
    private const double AcceptedShareMin = 0.99;

    // A generator that sends less than that is not the load that was asked for.
    private const double SentShareMin = 0.98;

    /// <summary>The report of the best step (of the last one, if none has passed), with all steps in it.</summary>
    public async Task<StormReport> RunAsync(CancellationToken cancellation)
    {
        var search = new RateSearch(settings.First, StormOptions.RateMax);
        var steps = new List<RateStep>();
        StormReport? best = null, last = null;
        while (search.Next is { } rate)
        {
            try
            {
                last = await new StormRun(StepOptions(rate, steps.Count), createView(output), ledger, time).RunAsync(cancellation);
            }
            catch (OperationCanceledException) when (last is not null && cancellation.IsCancellationRequested)
            {
                // Between two steps: there is no report of the next one.
                best = last with { Interrupted = true, Verdict = null };
                break;
            }
            RateStep step = Judge(rate, last);
            steps.Add(step);
            await output.WriteLineAsync(step.ToString());
            if (last.Interrupted || last.Verdict is { Exact: false })
            {
                best = last;
                break;
            }
            search.Report(step.FailedBecause is null);
            if (search.Passed == rate)
                best = last;
        }
        return (best ?? last)! with { RateSearch = new RateSearchRow(search.Passed, settings.P99Limit.TotalMilliseconds, steps) };
    }

    private StormOptions StepOptions(double rate, int step)
    {
        var curve = LoadCurve.Constant(rate);
        return options with
        {
            Curve = curve,
            Users = Schedule.UsersFor(curve.ClaimsBy(settings.WarmUp + settings.Step), options.RepeatShare),
            WarmUp = settings.WarmUp,
            UserPrefix = $"{options.UserPrefix}.{step}",
            SettleEvery = false,
            DecisionSample = 0,
            Seed = options.Seed + step,
        };
    }

    private RateStep Judge(double rate, StormReport report)
    {
        LatencyRow accepted = report.LatenciesMilliseconds.Single(l => l.Name == LatencyRow.Accepted);
        return new RateStep(rate, report.RateAchieved, report.Accepted, accepted.P99, FailedBecause(rate, report, accepted));
    }

    private string? FailedBecause(double rate, StormReport report, LatencyRow accepted)
    {
        if (report.Interrupted)
            return "interrupted";
        if (report.Outcomes.Any(o => o.Reason == "sold-out"))
            throw new CliException($"the coupons ran out at {rate:N0} claims/s: open the campaign with more (--open-quantity).");
        if (report.Accepted < AcceptedShareMin * report.Offered)
            return $"{report.Offered - report.Accepted:N0} of {report.Offered:N0} claims not accepted";
        if (report.RateAchieved < SentShareMin * rate)
            return "the generator did not send so many";
        // At one claim a second a short step has none.
        if (accepted.Count == 0)
            return "no claim after the warm-up";
        return accepted.P99 <= settings.P99Limit.TotalMilliseconds ? null : "too slow";
    }
}
