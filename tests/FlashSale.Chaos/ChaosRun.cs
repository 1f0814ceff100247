using FlashSale.Chaos.Checking;
using FlashSale.Chaos.Faults;
using FlashSale.Chaos.Processes;
using FlashSale.Chaos.Reporting;
using FlashSale.Chaos.Servers;
using FlashSale.Chaos.Watching;

namespace FlashSale.Chaos;

/// <summary>One run: servers, load and faults, then quiet, the check and the report.</summary>
internal sealed class ChaosRun(ChaosOptions options, TextWriter output)
{
    private static readonly TimeSpan LoadBeginsWithin = TimeSpan.FromSeconds(60);

    /// <summary>After the last fault and the last claim: time for a session to end, a rebuild, and whatever the clients' own pauses come to.</summary>
    private static readonly TimeSpan RecoversWithin = TimeSpan.FromSeconds(120);

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly List<string> _violations = [];
    private readonly List<string> _leftOut = [];
    private IReadOnlyList<PlannedFault> _plan = [];
    private Timeline _timeline = new();
    private StormResult? _storm;
    private double? _recovered;

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        var startedAt = TimeProvider.System.GetLocalNow();
        await output.WriteLineAsync($"chaos: seed {options.Seed}, {options.Duration.TotalMinutes:0.##} minutes");
        var interrupted = false;
        var stack = new ChaosStack(options.Folder, new Ports(options.FirstPort));
        await using (stack)
        {
            await stack.StartAsync(cancel);
            await output.WriteLineAsync($"chaos: three brokers, Redis and its replica, the database and four servers are up ({_timeline.Elapsed.TotalSeconds:0.0} s)");
            _plan = FaultPlan.Draw(options.Seed, Possible(stack), options.Duration);
            await using var watch = new LogWatch(stack);
            await using var load = new StormLoad(stack, options);
            try
            {
                await UnderFireAsync(stack, watch, load, cancel);
                await new Audit(stack, load, options).RunAsync(_violations, output, cancel);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                interrupted = true;
            }
        }

        var report = Report(startedAt, interrupted);
        await ReportFiles.WriteAsync(report, options.Folder);
        await output.WriteLineAsync();
        await output.WriteAsync(ReportFiles.Text(report));
        await output.WriteLineAsync($"report, timeline and logs: {options.Folder}");
        return interrupted ? ExitCodes.Interrupted : _violations.Count == 0 ? ExitCodes.Exact : ExitCodes.Violations;
    }

    private List<FaultKind> Possible(ChaosStack stack)
    {
        var possible = options.Faults.ToList();
        if (!stack.Redis.MasterDisk.IsSmall && possible.RemoveAll(k => k.Name == "fill-disk") > 0)
            _leftOut.Add("fill-disk: a small tmpfs cannot be mounted here (that needs root)");
        foreach (var reason in _leftOut)
            output.WriteLine($"chaos: left out: {reason}");
        return possible.Count > 0 ? possible : throw new ChaosException("none of the faults asked for is possible here");
    }

    private async Task UnderFireAsync(ChaosStack stack, LogWatch watch, StormLoad load, CancellationToken cancel)
    {
        load.Start();
        await LoadBeginsAsync(watch, load, cancel);
        _timeline = new Timeline();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        over.CancelAfter(options.Duration);
        using var shown = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var showing = ShowAsync(watch, shown.Token);
        try
        {
            await new FaultRunner(stack, _timeline).RunAsync(_plan, over.Token, cancel);
            await Task.Delay(options.Duration > _timeline.Elapsed ? options.Duration - _timeline.Elapsed : TimeSpan.Zero, cancel);
            var mended = _timeline.Elapsed;
            // While claims still come, nothing is ever at rest.
            _storm = await load.EndAsync(cancel);
            _violations.AddRange(_storm.Violations.Select(v => $"storm: {v}"));
            if (await RecoverAsync(stack, watch, cancel))
                _recovered = RecoveredSeconds(_timeline.Samples, mended.TotalSeconds);
        }
        finally
        {
            await shown.CancelAsync();
            await showing;
        }
    }

    private async Task LoadBeginsAsync(LogWatch watch, StormLoad load, CancellationToken cancel)
    {
        var began = _timeline.Elapsed;
        while (watch.Take(0).Accepted < options.Rate)
        {
            if (load.HasEnded)
                await load.EndAsync(cancel);
            if (_timeline.Elapsed - began > LoadBeginsWithin)
                throw new ChaosException($"no claims are accepted {LoadBeginsWithin.TotalSeconds:0} s after the storm was started; see the logs in {options.Folder}");
            await Task.Delay(100, cancel);
        }
    }

    /// <summary>Waits for lag 0 in decisions and ledger with every process alive and ready; where it does not come to that, notes a violation.</summary>
    private async Task<bool> RecoverAsync(ChaosStack stack, LogWatch watch, CancellationToken cancel)
    {
        var since = _timeline.Elapsed;
        while (await MissingAsync(stack, watch, cancel) is { } missing)
        {
            var ended = stack.Ended().Select(p => p.Name).ToList();
            if (ended.Count > 0)
                missing = $"{string.Join(" and ", ended)} ended by itself";
            if (ended.Count > 0 || _timeline.Elapsed - since > RecoversWithin)
            {
                _violations.Add($"not recovered {(_timeline.Elapsed - since).TotalSeconds:0} s after faults and claims have ended: {missing}");
                return false;
            }

            await Task.Delay(100, cancel);
        }

        return true;
    }

    /// <summary>From the last fault, or the last claim where that was later, to the first sample of those at the end that have no lag.</summary>
    private static double RecoveredSeconds(IReadOnlyList<Sample> samples, double mended)
    {
        var lastClaim = samples.FirstOrDefault(s => s.Accepted == samples[^1].Accepted)?.Seconds ?? 0;
        var atRest = samples.Reverse().TakeWhile(s => s is { Lag: 0, Unwritten: 0 }).LastOrDefault()?.Seconds ?? samples[^1].Seconds;
        return Math.Max(0, atRest - Math.Max(mended, lastClaim));
    }

    private static async Task<string?> MissingAsync(ChaosStack stack, LogWatch watch, CancellationToken cancel)
    {
        var now = watch.Take(0);
        return now is { Lag: 0, Unwritten: 0 }
            ? await stack.NotReadyAsync(cancel)
            : $"{now.Lag:N0} commands are not decided, {(now.Unwritten < 0 ? "the database does not answer" : $"{now.Unwritten:N0} records are not in the ledger")}";
    }

    private async Task ShowAsync(LogWatch watch, CancellationToken stop)
    {
        await output.WriteLineAsync(TimelineText.Header(options.Rate));
        var before = watch.Take(_timeline.Elapsed.TotalSeconds);
        _timeline.Add(before);
        using var timer = new PeriodicTimer(Second);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                var now = watch.Take(_timeline.Elapsed.TotalSeconds);
                _timeline.Add(now);
                await output.WriteLineAsync(TimelineText.Row(before, now, options.Rate, _timeline.Faults));
                before = now;
            }
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }
    }

    private ChaosReport Report(DateTimeOffset startedAt, bool interrupted)
    {
        var samples = _timeline.Samples;
        return new ChaosReport
        {
            StartedAt = startedAt,
            Seed = options.Seed,
            Minutes = options.Duration.TotalMinutes,
            Rate = options.Rate,
            Plan = [.. _plan.Select(PlanRow.Of)],
            LeftOut = _leftOut,
            Faults = _timeline.Faults,
            Accepted = samples.Count > 0 ? samples[^1].Accepted : 0,
            Decided = samples.Count > 0 ? samples[^1].Decided : 0,
            LagMax = samples.Count > 0 ? samples.Max(s => s.Lag) : 0,
            RecoveredSeconds = _recovered,
            Storm = _storm,
            Interrupted = interrupted,
            Violations = _violations,
            Samples = samples,
        };
    }
}
