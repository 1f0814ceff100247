using System.Diagnostics;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using FlashSale.Measure.Running;
using FlashSale.Measure.Twins;

namespace FlashSale.Measure.Rows;

/// <summary>A backlog of claims of distinct users, written by the door under storm while nothing is decided, then decided by a process that has nothing else to do.</summary>
internal sealed class DecideRow : IRow
{
    public string Name => "decide";

    public string Title => "claims decided of a backlog, on one partition and on eight";

    public int Seconds(Plan plan) => 2 * (20 + plan.BacklogClaims / 15_000 + plan.LongRounds * (10 + plan.BacklogClaims / 80_000));

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel) => this.Result(
        await MeasureAsync(lab, 1, "one campaign on one partition", cancel),
        await MeasureAsync(lab, Installation.Partitions, "eight campaigns on eight partitions", cancel));

    private static async Task<Figure> MeasureAsync(Lab lab, int campaigns, string what, CancellationToken cancel)
    {
        await using var installation = await Installation.CreateAsync(lab, cancel);
        var backlog = await Backlog.CreateAsync(lab, installation, campaigns, lab.Plan.BacklogClaims, cancel);
        lab.Say($"  {what}: {backlog.Commands:N0} commands in {backlog.RecordCount:N0} records");
        var (ours, twins) = (new List<double>(), new List<double>());
        await using var twin = await ScriptTwin.ConnectAsync(lab, cancel);
        // Its code is compiled now.
        await installation.ResetDecisionsAsync(cancel);
        await twin.RunAsync(backlog.Log);
        for (var round = 1; round <= lab.Plan.LongRounds; round++)
        {
            await installation.ResetDecisionsAsync(cancel);
            twins.Add(backlog.Commands / await twin.RunAsync(backlog.Log));
            ours.Add(await backlog.DecideAsync(cancel));
            lab.Say($"  round {round} of {lab.Plan.LongRounds}: twin {twins[^1]:N0}/s, ours {ours[^1]:N0}/s");
        }

        return new Figure($"decided, {what}", "commands/s", ours, twins, Goal.RatioAtLeast, 0.7,
            FormattableString.Invariant($"{backlog.Commands:N0} commands in {backlog.RecordCount:N0} records as the door wrote them; until the events are acknowledged"));
    }
}

/// <summary>Claims put into the log.</summary>
internal sealed class Backlog
{
    private static readonly TimeSpan StandsStillFor = TimeSpan.FromSeconds(10);

    private readonly Installation _installation;
    private readonly IReadOnlyList<long> _ends;

    private Backlog(Installation installation, IReadOnlyList<LogRecord>[] log)
    {
        _installation = installation;
        Log = log;
        _ends = [.. log.Select(r => (long)r.Count)];
        Commands = log.Sum(partition => partition.Sum(r => (long)CouponRecord.Inspect(r.Value.Span).Commands));
    }

    /// <summary>All records, by partition.</summary>
    public IReadOnlyList<LogRecord>[] Log { get; }

    public long Commands { get; }

    public long RecordCount => _ends.Sum();

    /// <summary>Opens campaigns, one on each of as many partitions, and has a door write claims on them that nobody decides.</summary>
    public static async Task<Backlog> CreateAsync(Lab lab, Installation installation, int campaigns, int claims, CancellationToken cancel)
    {
        var ids = Installation.CampaignsOnPartitions(campaigns);
        await installation.OpenAsync(ids, RowExtensions.NeverSoldOut, cancel);
        var door = await installation.StartAsync("api", "api", cancel, DoorRow.Alone);
        await WriteAsync(lab, door.Url, ids, claims, cancel);
        await installation.StopAsync(door);
        return new Backlog(installation, await installation.ReadAllAsync(installation.Topics.Commands, cancel));
    }

    /// <summary>Commands a second of a process that has nothing else to do, from its first decision until every event is acknowledged.</summary>
    public async Task<double> DecideAsync(CancellationToken cancel, params (string Key, string Value)[] settings)
    {
        await _installation.ResetDecisionsAsync(cancel);
        var machines = _installation.Prepare("machines", "machines", settings);
        machines.Start();
        var seconds = await CatchUp.SecondsAsync(machines, _ends, p => p.Told, cancel);
        await _installation.StopAsync(machines);
        return Commands / seconds;
    }

    /// <summary>By a door, in closed loop: about so many claims.</summary>
    public static async Task WriteAsync(Lab lab, string url, IReadOnlyList<string> campaigns, int claims, CancellationToken cancel)
    {
        var before = (await Metrics.ReadAsync(url, cancel)).Sum(Metrics.Accepted);
        await using var storm = Storm.Start(lab, new StormPlan { Urls = [url], Campaigns = campaigns, Claims = claims });
        var (clock, accepted) = (Stopwatch.StartNew(), before);
        while (accepted < before + claims && clock.Elapsed < StandsStillFor && !storm.HasExited)
        {
            await Task.Delay(200, cancel);
            var now = (await Metrics.ReadAsync(url, cancel)).Sum(Metrics.Accepted);
            if (now > accepted)
                clock.Restart();
            accepted = now;
        }

        if (accepted - before < claims * 0.9)
            throw new MeasureException($"the door accepted {accepted - before:N0} of {claims:N0} claims and then nothing more");
        await storm.EndAsync();
    }

    /// <summary>Straight into Kafka, in records of as many claims as a storm gathers.</summary>
    public static async Task AppendAsync(Installation installation, IReadOnlyList<string> campaigns, int claims, CancellationToken cancel)
    {
        const int ClaimsPerRecord = 100;
        const int InFlight = 256;
        using var appender = new Kafka.KafkaAppender(installation.Kafka, Microsoft.Extensions.Logging.Abstractions.NullLogger<Kafka.KafkaAppender>.Instance);
        var appending = new Queue<Task<long>>();
        for (var user = 0; user < claims; user += ClaimsPerRecord)
        {
            cancel.ThrowIfCancellationRequested();
            var campaign = campaigns[user / ClaimsPerRecord % campaigns.Count];
            var first = user;
            var record = Records.Encode(Enumerable.Range(0, ClaimsPerRecord).Select(i => Records.Claim(campaign, first + i)));
            if (appending.Count == InFlight)
                await appending.Dequeue();
            appending.Enqueue(appender.AppendAsync(installation.Topics.Commands, MachineTopics.PartitionOf(campaign, Installation.Partitions), record));
        }

        await Task.WhenAll(appending);
    }
}
