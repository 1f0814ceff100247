using FlashSale.Core.Log;
using FlashSale.Measure.Running;
using FlashSale.Measure.Twins;

namespace FlashSale.Measure.Rows;

/// <summary>A backlog of outcomes, written into an empty database by a process that has nothing else to do.</summary>
internal sealed class LedgerRow : IRow
{
    public string Name => "ledger";

    public string Title => "rows of coupons written into the ledger";

    public int Seconds(Plan plan) => 25 + Rows(plan) / 12_000 + plan.LongRounds * (8 + Rows(plan) / 30_000);

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        await using var installation = await Installation.CreateAsync(lab, cancel);
        var ids = Installation.CampaignsOnPartitions(Installation.Partitions);
        await installation.OpenAsync(ids, RowExtensions.NeverSoldOut, cancel);
        var server = await installation.StartAsync("server", "api,machines", cancel, DoorRow.Alone);
        await Backlog.WriteAsync(lab, server.Url, ids, Rows(lab.Plan), cancel);
        await CatchUp.DecidedAsync(server.Url, cancel);
        await installation.StopAsync(server);

        var ends = await installation.CommandEndsAsync(cancel);
        var events = await installation.ReadAllAsync(installation.Topics.Events, cancel);
        var rowsAt = events.Select(RowsAt).ToList();
        var (cold, warm, twins) = (new List<double>(), new List<double>(), new List<double>());
        // Its code is compiled now, and the database's buffers are filled.
        await LedgerTwin.RunAsync(installation.MySql, events, cancel);
        for (var round = 1; round <= lab.Plan.LongRounds; round++)
        {
            await installation.ResetLedgerAsync(cancel);
            var (rows, seconds) = await LedgerTwin.RunAsync(installation.MySql, events, cancel);
            twins.Add(rows / seconds);
            await installation.ResetLedgerAsync(cancel);
            var written = (await WriteAsync(installation, ends, cancel)).Select(l => (l.At, Rows: l.Offsets.Select((o, p) => rowsAt[p].GetValueOrDefault(o)).Sum())).ToList();
            cold.Add(Rate(written, 0));
            warm.Add(Rate(written, lab.Plan.LedgerWarmUpRows));
            lab.Say($"  round {round} of {lab.Plan.LongRounds}: {rows:N0} rows, twin {twins[^1]:N0}/s, ours {cold[^1]:N0}/s, after the first {lab.Plan.LedgerWarmUpRows:N0} {warm[^1]:N0}/s");
        }

        return this.Result(
            new Figure("ledger rows, eight campaigns on eight partitions", "rows/s", warm, twins, Goal.RatioAtLeast, 0.8, FormattableString.Invariant(
                $"a backlog of {Rows(lab.Plan):N0}; the first {lab.Plan.LedgerWarmUpRows:N0}, in which the process compiles its code, do not count. The twin, compiled before: one INSERT of literals for each batch, four connections, as the ledger has writers")),
            new Figure("the same with those in which it compiles its code", "rows/s", cold, twins, Goal.None, 0, "from the first row on"));
    }

    private static int Rows(Plan plan) => plan.LedgerWarmUpRows + plan.LedgerRows;

    /// <summary>Rows of a partition's coupons up to an offset of its commands: all claims were issued.</summary>
    private static Dictionary<long, long> RowsAt(IReadOnlyList<LogRecord> events) =>
        events.Select(e => EventRecord.Decode(e.Value)).ToDictionary(e => e.Answers.Offset, e => e.Commands);

    /// <summary>Rows a second from the last look that saw no more than so many.</summary>
    private static double Rate(IReadOnlyList<(TimeSpan At, long Rows)> written, int after)
    {
        var from = written.Last(w => w.Rows <= after);
        return (written[^1].Rows - from.Rows) / (written[^1].At - from.At).TotalSeconds;
    }

    private static async Task<IReadOnlyList<Look>> WriteAsync(Installation installation, IReadOnlyList<long> ends, CancellationToken cancel)
    {
        var ledger = installation.Prepare("ledger", "ledger");
        ledger.Start();
        var looks = await CatchUp.FollowAsync(ledger, ends, p => p.Written, cancel);
        await installation.StopAsync(ledger);
        return looks;
    }
}
