using System.Diagnostics;
using System.Net.Sockets;
using FlashSale.Chaos;
using FlashSale.Core.Engine;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;
using FlashSale.Measure.Report;
using FlashSale.Measure.Rows;
using FlashSale.Measure.Running;

namespace FlashSale.Measure;

/// <summary>Measures rows one after the other, and reports.</summary>
/// <param name="folder">Of this run: logs, results and page.</param>
/// <param name="spent">Of the plan's time, on the build and on starting the servers.</param>
/// <param name="page">The published page that a full run renews; null: none.</param>
internal sealed class MeasureRun(IReadOnlyList<IRow> rows, Plan plan, Stack stack, TimeSpan spent, string folder, string? page, TextWriter output)
{
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        var logs = Path.Combine(folder, "logs");
        Directory.CreateDirectory(logs);
        var machine = ProcFs.Machine();
        // A row that is renewed alone gets the load that it had beside the others of the page, where that is of this machine.
        var older = page is null ? null : Results.Read(Path.ChangeExtension(page, ".json"));
        var lab = new Lab(stack, plan, logs, spent, output) { SustainedRate = older?.Machine == machine ? older.SustainedRate : null };
        var versions = await Versions.FindAsync(stack, cancel);
        var found = new List<RowResult>();
        foreach (var (index, row) in rows.Index())
        {
            if (cancel.IsCancellationRequested)
                break;
            lab.SecondsForLater = rows.Skip(index + 1).Sum(r => r.Seconds(plan));
            lab.Say($"{row.Name}: {row.Title} (about {row.Seconds(plan)} s)");
            if (await MeasureAsync(row, lab, cancel) is { } result)
                found.Add(result);
        }

        await output.WriteAsync(PerformancePage.Plain(found));
        Publish(new Results(machine, versions, found), older, lab, cancel.IsCancellationRequested);
        if (cancel.IsCancellationRequested)
            await output.WriteLineAsync("measure: interrupted; above is what was measured so far");
        return cancel.IsCancellationRequested ? ExitCodes.Interrupted : found.Exists(r => r.Failure is not null) ? ExitCodes.Incomplete : ExitCodes.Ok;
    }

    /// <summary>Null where it was interrupted.</summary>
    private static async Task<RowResult?> MeasureAsync(IRow row, Lab lab, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        try
        {
            return await row.MeasureAsync(lab, cancel) with { Seconds = Math.Round(clock.Elapsed.TotalSeconds) };
        }
        catch (Exception e) when (cancel.IsCancellationRequested && e is not OutOfMemoryException)
        {
            // Whatever breaks once everything is being ended is no finding.
            return null;
        }
        catch (Exception e) when (e is MeasureException or ChaosException or LogUnavailableException or StoreUnavailableException or LedgerUnavailableException
            or Confluent.Kafka.KafkaException or HttpRequestException or SocketException or OperationCanceledException)
        {
            lab.Say($"  not measured: {e.Message}");
            return new RowResult(row.Name, row.Title, TimeProvider.System.GetUtcNow(), Math.Round(clock.Elapsed.TotalSeconds), []) { Failure = e.Message.ReplaceLineEndings(" ") };
        }
    }

    /// <summary>A full run that was not interrupted renews its rows on the published page, too.</summary>
    private void Publish(Results results, Results? older, Lab lab, bool isInterrupted)
    {
        results.Write(Path.Combine(folder, "results.json"));
        var local = Path.Combine(folder, "performance.md");
        File.Delete(local);
        PerformancePage.Write(local, results);
        lab.Say($"written: {local}");
        if (page is null || isInterrupted)
            return;
        var data = Path.ChangeExtension(page, ".json");
        if (results.Over(older, [.. RowList.All.Select(r => r.Name)], [.. RowList.Usual.Select(r => r.Name)]) is not { } renewed)
        {
            lab.Say($"left as it is: {page}, whose other rows are of another machine ({older!.Machine}); a run of all rows writes it anew");
            return;
        }

        PerformancePage.Write(page, renewed);
        renewed.Write(data);
        lab.Say($"written: {page}");
    }
}
