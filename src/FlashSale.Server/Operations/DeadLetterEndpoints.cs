using System.Globalization;
using FlashSale.Core.Door;
using FlashSale.Core.Log;
using FlashSale.Server.Auth;
using FlashSale.Server.Hosting;
using FlashSale.Server.Http;

namespace FlashSale.Server.Operations;

/// <summary>The records that could not be decided as they were meant.</summary>
internal static class DeadLetterEndpoints
{
    private const int LimitDefault = 50;

    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(10);

    public static void MapDeadLetters(this WebApplication app) =>
        app.MapGet("/api/admin/dead-letters", ListAsync).WithTags("Operations").WithSummary("Dead letters, newest first, by page: limit, before (admin)")
            .Produces<DeadLettersResponse>().ProducesProblem(400).ProducesProblem(503);

    private static async Task<IResult> ListAsync(HttpContext context, Node node, Callers callers, TimeProvider time)
    {
        if (callers.Admin(context) is { } notAllowed)
            return notAllowed;
        var limitText = context.Request.Query["limit"].ToString();
        var limit = LimitDefault;
        if (limitText.Length > 0 && !(int.TryParse(limitText, NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= DeadLetterReader.LimitMax))
            return Problem.Invalid("limit", $"must be 1 to {DeadLetterReader.LimitMax}");
        var beforeText = context.Request.Query["before"].ToString();
        var before = beforeText.Length == 0 ? null : DeadLetterCursor.TryParse(beforeText, node.Settings.Kafka.Partitions);
        if (before is null && beforeText.Length > 0)
            return Problem.Invalid("before", "must be taken from next of the page before");
        return node.DeadLetters is { } letters ? await AnswerAsync(letters, limit, before, time, context.RequestAborted) : Problem.Of(DoorRefusal.NotReady);
    }

    private static async Task<IResult> AnswerAsync(DeadLetterReader letters, int limit, DeadLetterCursor? before, TimeProvider time, CancellationToken aborted)
    {
        using var timeout = new CancellationTokenSource(ReadTimeout, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, aborted);
        try
        {
            var page = await letters.ReadAsync(limit, before, ending.Token);
            return Results.Json(new DeadLettersResponse(page.Letters, page.Next is not null,
                page.Next is null ? null : $"/api/admin/dead-letters?limit={limit}&before={page.Next}"), ServerJson.Default.DeadLettersResponse);
        }
        catch (LogUnavailableException e)
        {
            return Unavailable(e.Message);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return Unavailable($"not read within {ReadTimeout.TotalSeconds} s");
        }
    }

    private static Problem Unavailable(string detail) =>
        new(503, DoorRefusal.LogUnavailable.Code(), "The log did not answer.", detail, RetryAfter: TimeSpan.FromSeconds(1));
}
