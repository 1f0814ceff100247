namespace FlashSale.Cli.Storm;

/// <summary>Makes the report out of what was counted and measured.</summary>
internal static class StormReportBuilder
{
    public static StormReport Build(
        StormOptions options, StormEngine engine, CampaignEvidence[] evidence, DateTimeOffset startedAt, double stormSeconds, double settleSeconds, GeneratorUse? use, bool interrupted)
    {
        ClaimBook book = engine.Book;
        Schedule schedule = book.Schedule;
        (long contradictions, string? firstContradiction) = book.Contradictions;
        var all = new StormEvidence(evidence, book.Count(ClaimState.Unexpected), book.FirstUnexpected, contradictions, firstContradiction);
        LatencyHistogram accepted = engine.Meters.Of(AnswerKind.Accepted), refused = engine.Meters.Of(AnswerKind.RefusedAtDoor);
        double measured = Math.Max(0.001, engine.Meters.Measured.TotalSeconds);
        bool closed = options.ClosedLoop is not null;
        TimeSpan due = closed ? TimeSpan.Zero : options.Curve.TimeOf(book.Offered);
        return new StormReport
        {
            StartedAt = startedAt,
            Urls = options.Urls,
            Interrupted = interrupted,
            Users = closed ? (int)book.Offered : schedule.Users,
            Repeats = closed ? 0 : schedule.Repeats,
            Load = new LoadRow(
                options.Profile.ToString().ToLowerInvariant(), options.Ramp.TotalSeconds, options.ClosedLoop, options.Http2,
                options.ClosedLoop ?? options.Connections, options.P99Limit?.TotalMilliseconds),
            RateIntended = closed ? null : options.Curve.RateMax,
            RateAchieved = book.Offered / Math.Max(0.001, Math.Max(engine.Meters.LastSent.TotalSeconds, due.TotalSeconds)),
            AcceptedPerSecond = accepted.Count / measured,
            RefusedPerSecond = refused.Count / measured,
            WarmUpSeconds = options.WarmUp.TotalSeconds,
            StormSeconds = stormSeconds,
            SettleSeconds = settleSeconds,
            DecisionSampleShare = options.DecisionSample,
            Offered = book.Offered,
            Accepted = book.AcceptedInAll,
            RefusedAtDoor = book.Count(ClaimState.RefusedAtDoor),
            Unknown = book.Count(ClaimState.Unknown) + book.Count(ClaimState.Sent),
            Unexpected = book.Count(ClaimState.Unexpected),
            FirstUnexpected = book.FirstUnexpected,
            Outcomes = CountOutcomes(book),
            LatenciesMilliseconds =
            [
                LatencyRow.Of(LatencyRow.Accepted, accepted),
                LatencyRow.Of(LatencyRow.RefusedAtDoor, refused),
                LatencyRow.Of(LatencyRow.Decided, engine.Meters.Of(AnswerKind.Decided)),
                LatencyRow.Of(LatencyRow.Behind, engine.Meters.Behind),
            ],
            Seconds = engine.Meters.Series.Rows(),
            Campaigns = [.. evidence.Select(CampaignRow.Of)],
            Generator = use ?? new GeneratorUse(0, 0, 0, 0, 0, 0, 0, 0, 0),
            Machine = MachineInfo.Current(),
            WithinP99 = options.P99Limit is { } limit ? accepted.Percentile(0.99) <= limit : null,
            Verdict = interrupted ? null : Verdict.Judge(all),
        };
    }

    private static List<OutcomeCount> CountOutcomes(ClaimBook book)
    {
        var counts = new Dictionary<(ClaimState State, byte Reason), long>();
        for (int slot = 0; slot < book.Schedule.Count; slot++)
        {
            ClaimState state = book.StateOf(slot);
            if (state != ClaimState.Due)
                counts[(state, book.ReasonOf(slot))] = counts.GetValueOrDefault((state, book.ReasonOf(slot))) + 1;
        }
        return [.. counts.OrderBy(c => c.Key.State).ThenByDescending(c => c.Value)
            .Select(c => new OutcomeCount(NameOf(c.Key.State), c.Key.Reason == Reasons.None ? null : book.Reasons.NameOf(c.Key.Reason), c.Value))];
    }

    private static string NameOf(ClaimState state) => state switch
    {
        ClaimState.Accepted => "undecided",
        ClaimState.Issued => "issued",
        ClaimState.Refused => "refused",
        ClaimState.RefusedAtDoor => "refused at the door",
        ClaimState.Sent or ClaimState.Unknown => "unknown",
        _ => "unexpected",
    };
}
