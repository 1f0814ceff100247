using FlashSale.Measure.Running;
using FlashSale.Measure.Twins;

namespace FlashSale.Measure.Rows;

/// <summary>A backlog of outcomes, written into an empty database by a process that has nothing else to do.</summary>
internal sealed class LedgerRow : IRow
{
    public string Name => "ledger";

    public string Title => "rows of coupons written into the ledger";

    public int Seconds(Plan plan) => 25 + plan.LedgerRows / 12_000 + plan.BacklogRounds * (8 + plan.LedgerRows / 30_000);

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        await using var installation = await Installation.CreateAsync(lab, cancel);
        var ids = Installation.CampaignsOnPartitions(Installation.Partitions);
        await installation.OpenAsync(ids, RowExtensions.NeverSoldOut, cancel);
        var server = await installation.StartAsync("server", "api,machines", cancel, DoorRow.Alone);
        await Backlog.WriteAsync(lab, server.Url, ids, lab.Plan.LedgerRows, cancel);
        await CatchUp.DecidedAsync(server.Url, cancel);
        await installation.StopAsync(server);

        var ends = await installation.CommandEndsAsync(cancel);
        var events = await installation.ReadAllAsync(installation.Topics.Events, cancel);
        var (ours, twins) = (new List<double>(), new List<double>());
        // Its code is compiled now, and the database's buffers are filled.
        await LedgerTwin.RunAsync(installation.MySql, events, cancel);
        for (var round = 1; round <= lab.Plan.BacklogRounds; round++)
        {
            await installation.ResetLedgerAsync(cancel);
            var (rows, seconds) = await LedgerTwin.RunAsync(installation.MySql, events, cancel);
            twins.Add(rows / seconds);
            await installation.ResetLedgerAsync(cancel);
            ours.Add(rows / await WriteAsync(installation, ends, cancel));
            lab.Say($"  round {round} of {lab.Plan.BacklogRounds}: {rows:N0} rows, twin {twins[^1]:N0}/s, ours {ours[^1]:N0}/s");
        }

        return this.Result(new Figure("ledger rows, eight campaigns on eight partitions", "rows/s", ours, twins, Goal.RatioAtLeast, 0.8,
            "the twin: one INSERT of literals for each batch, four connections, as the ledger has writers"));
    }

    private static async Task<double> WriteAsync(Installation installation, IReadOnlyList<long> ends, CancellationToken cancel)
    {
        var ledger = installation.Prepare("ledger", "ledger");
        ledger.Start();
        var seconds = await CatchUp.SecondsAsync(ledger, ends, p => p.Written, cancel);
        await installation.StopAsync(ledger);
        return seconds;
    }
}
