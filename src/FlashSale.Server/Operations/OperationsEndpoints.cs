using FlashSale.Core.Engine;
using FlashSale.Server.Auth;
using FlashSale.Server.Hosting;
using FlashSale.Server.Http;

namespace FlashSale.Server.Operations;

/// <summary>What operators look at.</summary>
internal static class OperationsEndpoints
{
    public static void MapOperations(this WebApplication app)
    {
        app.MapGet("/api/admin/partitions", Partitions).WithTags("Operations").WithSummary("Where each partition stands (admin)").Produces<PartitionsResponse>();
        app.MapDeadLetters();
        app.MapGet("/metrics", (MetricsExporter metrics) => Results.Text(metrics.Write(), MetricsExporter.ContentType))
            .WithTags("Operations").WithSummary("Metrics in Prometheus' text format").Produces<string>(200, "text/plain");
    }

    private static IResult Partitions(HttpContext context, Node node, Callers callers) =>
        callers.Admin(context) is { } notAllowed
            ? notAllowed
            : Results.Json(new PartitionsResponse(node.Log.IsNone ? null : node.Log.ToString(),
                [.. Enumerable.Range(0, node.Log.IsNone ? 0 : node.Settings.Kafka.Partitions).Select(p => Of(node, p))]), ServerJson.Default.PartitionsResponse);

    private static PartitionResponse Of(Node node, int partition)
    {
        var machine = node.Machines.Count > 0 ? node.Machines[partition].Progress : PartitionProgress.Stopped(partition);
        var ledger = node.Ledgers.Count > 0 ? node.Ledgers[partition].Progress : null;
        var follower = node.Door?.Partitions[partition];
        var applied = Math.Max(machine.Applied, follower?.Mark ?? -1);
        var end = Math.Max(follower?.End ?? 0, applied + 1);
        var owned = machine.State != PartitionState.Stopped;
        return new PartitionResponse("coupon", partition, end, applied, owned ? machine.Told : null, ledger?.Written.Offset,
            end - 1 - applied, Math.Round(follower?.Lag().Age.TotalSeconds ?? 0, 3), Names.Of(machine.State), machine.Reason,
            machine.State == PartitionState.Rebuilding ? machine.RebuildTo : null,
            ledger is null ? null : Names.Of(ledger.State), ledger?.Detail);
    }
}
