using FlashSale.Cli.Campaigns;
using FlashSale.Cli.Http;

namespace FlashSale.Cli.Storm;

/// <summary>One storm from the first look at the campaigns to the report.</summary>
internal sealed class StormRun(StormOptions options, IProgressView view, ILedgerCheck? ledger, TimeProvider time)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(1);

    // Counters reach the other nodes within a second, the coupons of a user when the server has caught up.
    private static readonly TimeSpan FinalWithin = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FinalEvery = TimeSpan.FromMilliseconds(250);

    private readonly List<ApiClient> _servers = [];
    private ProgressMeter? _progress;
    private ToldWriter? _told;
    private double _stormSeconds;
    private double _settleSeconds;
    private GeneratorUse? _use;

    /// <summary>Throws a <see cref="CliException"/> when it cannot begin; an interruption ends in a report of what was so far.</summary>
    public async Task<StormReport> RunAsync(CancellationToken cancellation)
    {
        try
        {
            var endpoints = new List<HttpEndpoint>();
            foreach (string url in options.Urls)
            {
                endpoints.Add(await HttpEndpoint.ResolveAsync(url, cancellation));
                _servers.Add(new ApiClient(url, options.ApiKey, http2: options.Http2));
            }
            CampaignInfo[] before = await CampaignSetup.PrepareAsync(options, _servers, time, cancellation);
            var schedule = Schedule.Create(options.Users, options.RepeatShare, options.Curve, options.Spacing, options.Seed);
            DateTimeOffset startedAt = time.GetUtcNow();
            using ToldWriter? told = options.ToldFile is null ? null : new ToldWriter(File.Create(options.ToldFile), options.Campaigns);
            _told = told;
            using var engine = new StormEngine(options, schedule, endpoints, time, told);
            _progress = new ProgressMeter(engine);
            CampaignEvidence[] evidence = [];
            bool interrupted = false;
            try
            {
                await view.RunAsync(async () => evidence = await RunPhasesAsync(engine, before, cancellation));
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                interrupted = true;
            }
            return StormReportBuilder.Build(options, engine, evidence, startedAt, _stormSeconds, _settleSeconds, _use, interrupted);
        }
        finally
        {
            foreach (ApiClient server in _servers)
                server.Dispose();
        }
    }

    private async Task<CampaignEvidence[]> RunPhasesAsync(StormEngine engine, CampaignInfo[] before, CancellationToken cancellation)
    {
        ClaimBook book = engine.Book;
        var use = new UseMeter(engine);
        try
        {
            engine.Start();
            await WaitAsync(engine, "storm", () => engine.ClaimsFinished, () => (book.Offered, book.Finished), cancellation);
        }
        finally
        {
            engine.StopOffering();
            _stormSeconds = engine.Clock.Elapsed.TotalSeconds;
            _use = use.Take();
        }
        if (options.SettleEvery)
            engine.SettleAll();
        await WaitAsync(engine, "settle", () => engine.Sampled.Outstanding + engine.Settled.Outstanding == 0, () => (book.Decided, 0), cancellation);
        _settleSeconds = engine.Clock.Elapsed.TotalSeconds - _stormSeconds;
        CampaignEvidence[] evidence = await LookAtTheEndAsync(engine, before, cancellation);
        return ledger is null ? evidence : await WithLedgerAsync(ledger, evidence, cancellation);
    }

    /// <summary>Waits until it is done, or until nothing has changed for the settle timeout.</summary>
    private async Task WaitAsync(StormEngine engine, string phase, Func<bool> done, Func<(long, long)> state, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Tick, time);
        (long, long) last = state();
        long changed = time.GetTimestamp(), shown = changed;
        while (!done())
        {
            await timer.WaitForNextTickAsync(cancellation);
            if (engine.Faulted.IsFaulted)
                await engine.Faulted;
            if (state() != last)
            {
                last = state();
                changed = time.GetTimestamp();
            }
            // While claims are still due nothing is given up, however far apart they are.
            if (time.GetElapsedTime(changed) > options.SettleTimeout && engine.Clock.Elapsed > engine.Book.Schedule.Length + options.SettleTimeout)
                return;
            if (time.GetElapsedTime(shown) >= ProgressEvery)
            {
                shown = time.GetTimestamp();
                engine.AbortOverdue();
                _told?.Flush();
                view.Show(_progress!.Take(phase));
            }
        }
    }

    /// <summary>Compares what callers were told with what the servers count, until the two agree or it has taken too long.</summary>
    private async Task<CampaignEvidence[]> LookAtTheEndAsync(StormEngine engine, CampaignInfo[] before, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        TimeSpan finalWithin = options.SettleTimeout < FinalWithin ? options.SettleTimeout : FinalWithin;
        IReadOnlyList<UserInDoubt> inDoubt = EvidenceCollector.UsersInDoubt(engine.Book);
        IReadOnlyList<IReadOnlyList<CampaignInfo?>> last = [];
        while (true)
        {
            if (inDoubt.Count > 0)
                await AskUsersAsync(engine, inDoubt, cancellation);
            IReadOnlyList<IReadOnlyList<CampaignInfo?>> after = await LookAsync(before, cancellation);
            CampaignEvidence[] evidence = EvidenceCollector.Collect(engine.Book, before, inDoubt, after, options.SettleEvery);
            bool agreed = evidence.All(e => e.IssuedAfter.All(i => i == e.IssuedBefore + e.Told.Count));
            if (agreed || (!options.SettleEvery && IsAtRest(last, after)) || time.GetElapsedTime(start) > finalWithin)
                return evidence;
            last = after;
            await Task.Delay(FinalEvery, time, cancellation);
        }
    }

    private async Task AskUsersAsync(StormEngine engine, IReadOnlyList<UserInDoubt> users, CancellationToken cancellation)
    {
        CouponsExchange asking = engine.AskCoupons(users);
        await WaitAsync(engine, "doubts", () => asking.Finished == users.Count, () => (asking.Finished, 0), cancellation);
    }

    private async Task<IReadOnlyList<IReadOnlyList<CampaignInfo?>>> LookAsync(CampaignInfo[] before, CancellationToken cancellation)
    {
        var all = new List<IReadOnlyList<CampaignInfo?>>();
        foreach (CampaignInfo campaign in before)
        {
            var found = new List<CampaignInfo?>();
            foreach (ApiClient server in _servers)
                found.Add(await TryLookAsync(server, campaign.CampaignId, cancellation));
            all.Add(found);
        }
        return all;
    }

    private static async Task<CampaignInfo?> TryLookAsync(ApiClient server, string id, CancellationToken cancellation)
    {
        try
        {
            return await server.FindCampaignAsync(id, cancellation);
        }
        catch (CliException)
        {
            // It is asked again; a server that stays silent ends up as "no answer" in the verdict.
            return null;
        }
    }

    private static bool IsAtRest(IReadOnlyList<IReadOnlyList<CampaignInfo?>> last, IReadOnlyList<IReadOnlyList<CampaignInfo?>> now) =>
        last.Count == now.Count
        && now.SelectMany(c => c).All(c => c is not null && c.Lag is not { Commands: > 0 })
        && last.SelectMany(c => c).Select(c => c?.Issued).SequenceEqual(now.SelectMany(c => c).Select(c => c?.Issued))
        && now.All(c => c.Select(s => s?.Issued).Distinct().Count() == 1);

    private static async Task<CampaignEvidence[]> WithLedgerAsync(ILedgerCheck ledger, CampaignEvidence[] evidence, CancellationToken cancellation)
    {
        var checkedEvidence = new CampaignEvidence[evidence.Length];
        for (int i = 0; i < evidence.Length; i++)
        {
            long expected = evidence[i].IssuedAfter.Max() ?? 0;
            checkedEvidence[i] = evidence[i] with { LedgerRows = await ledger.CountCouponsAsync(evidence[i].CampaignId, expected, cancellation) };
        }
        return checkedEvidence;
    }
}
