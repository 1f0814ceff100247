using System.Globalization;
using FlashSale.Core;
using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Server.Auth;
using FlashSale.Server.Http;

namespace FlashSale.Server.Coupons;

/// <summary>Claiming a coupon, and learning what became of it.</summary>
internal static class ClaimEndpoints
{
    private const int WaitSecondsMax = 30;

    /// <summary>Longest idempotency key; it is hashed, so this only bounds the work.</summary>
    private const int IdempotencyKeyMax = 255;

    private static readonly TimeSpan PositionInterval = TimeSpan.FromSeconds(1);

    /// <summary>How long one stream of a claim's events lasts; the browser connects anew by itself.</summary>
    private static readonly TimeSpan StreamMax = TimeSpan.FromMinutes(10);

    public static void MapClaims(this WebApplication app)
    {
        var api = app.Services.GetRequiredService<Api>();
        // The two that everybody asks: no middleware, no binder's services and no result object in between.
        app.MapPost("/api/campaigns/{campaignId}/claims", (HttpContext context, string campaignId) => ClaimAsync(context, campaignId, api))
            .WithTags("Coupons").WithSummary("Claims a coupon")
            .Accepts<ClaimRequest>("application/json").Produces<ClaimAccepted>(202).ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(429).ProducesProblem(503)
            .ShortCircuit();
        app.MapGet("/api/claims/{ticket}", (HttpContext context, string ticket) => StatusAsync(context, ticket, api))
            .WithTags("Coupons").WithSummary("What has become of a claim; wait=SECONDS holds the answer until it is decided")
            .Produces<ClaimResponse>().ProducesProblem(404)
            .ShortCircuit();
        app.MapGet("/api/claims/{ticket}/events", StreamAsync).WithTags("Coupons").WithSummary("Server-sent events: position, then one decided")
            .Produces<ClaimResponse>(200, "text/event-stream").ProducesProblem(404);
    }

    private static async Task ClaimAsync(HttpContext context, string campaignId, Api api)
    {
        try
        {
            if (!api.TryDoor(out var door, out var problem))
            {
                await problem.ExecuteAsync(context);
                return;
            }

            var started = api.Time.GetTimestamp();
            var (userId, key, notValid) = await ReadAsync(context, campaignId, api.Callers);
            if (notValid is not null)
            {
                await notValid.ExecuteAsync(context);
                return;
            }

            var taken = await door.ClaimAsync(campaignId, userId!, key);
            if (taken.Refusal != DoorRefusal.None)
            {
                api.Telemetry.Refused(taken.Refusal);
                await Problem.AnswerAsync(context, taken.Refusal, taken.RetryAfter);
                return;
            }

            api.Telemetry.Accepted(api.Time.GetElapsedTime(started));
            await AcceptedAnswer.WriteAsync(context, api.Tickets, taken.Ticket!, taken.Position);
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            await ProblemMiddleware.AnswerAsync(context, e);
        }
    }

    /// <summary>Parses and validates a claim.</summary>
    internal static async ValueTask<(string? UserId, string? Key, Problem? Problem)> ReadAsync(HttpContext context, string campaignId, Callers callers)
    {
        var (body, unreadable) = await Bodies.ReadAsync(context, ServerJson.Default.ClaimRequest);
        if (unreadable is not null && !(callers.UsersAreKnown && context.Request.ContentLength is null or 0))
            return (null, null, unreadable);
        var (userId, notAllowed) = await callers.UserAsync(context, body?.UserId);
        if (notAllowed is not null)
            return (null, null, notAllowed);
        var invalid = Check(campaignId, userId, context.Request.Headers["Idempotency-Key"].ToString(), out var key);
        return (userId, key, invalid);
    }

    private static async Task StatusAsync(HttpContext context, string ticket, Api api)
    {
        try
        {
            if (!TryWait(context, out var wait))
            {
                await Problem.Invalid("wait", $"must be 0 to {WaitSecondsMax} seconds").ExecuteAsync(context);
                return;
            }

            var (found, door, problem) = await FindAsync(context, ticket, api);
            if (problem is not null)
            {
                await problem.ExecuteAsync(context);
                return;
            }

            using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, api.Stopping);
            if (await StatusOrNowAsync(door!, found!, wait, ending.Token) is { } status)
                await context.Response.WriteWholeAsync(Response(ticket, found!, status), ServerJson.Default.ClaimResponse);
            else
                await TicketUnknown().ExecuteAsync(context);
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            await ProblemMiddleware.AnswerAsync(context, e);
        }
    }

    private static async Task StreamAsync(HttpContext context, string ticket, Api api)
    {
        var (found, door, problem) = await FindAsync(context, ticket, api);
        if (problem is null && await door!.StatusAsync(found!, TimeSpan.Zero, context.RequestAborted) is null)
            problem = TicketUnknown();
        if (problem is not null)
        {
            await problem.ExecuteAsync(context);
            return;
        }

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, api.Stopping);
        await using var events = await EventStream.BeginAsync(context);
        var started = api.Time.GetTimestamp();
        var position = long.MaxValue;
        while (!ending.IsCancellationRequested && api.Time.GetElapsedTime(started) < StreamMax)
        {
            var status = (await StatusOrNowAsync(door!, found!, position == long.MaxValue ? TimeSpan.Zero : PositionInterval, ending.Token))!;
            if (status.Outcome != CouponOutcome.None)
            {
                await events.SendAsync("decided", Response(ticket, found!, status), ServerJson.Default.ClaimResponse);
                return;
            }

            if (status.Position < position)
                await events.SendAsync("position", new PositionEvent(position = status.Position), ServerJson.Default.PositionEvent);
        }
    }

    /// <summary>A claim's status; when the request or the host ends while it waits, the status as it is.</summary>
    private static async Task<ClaimStatus?> StatusOrNowAsync(CouponDoor door, Ticket ticket, TimeSpan wait, CancellationToken ending)
    {
        try
        {
            return await door.StatusAsync(ticket, wait, ending);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            return await door.StatusAsync(ticket, TimeSpan.Zero, CancellationToken.None);
        }
    }

    private static async ValueTask<(Ticket? Ticket, CouponDoor? Door, Problem? Problem)> FindAsync(HttpContext context, string text, Api api)
    {
        if (!api.TryDoor(out var door, out var problem))
            return (default, null, problem);
        if (!api.Tickets.TryRead(text, out var ticket))
            return (default, null, TicketUnknown());
        var (_, notAllowed) = await api.Callers.UserAsync(context, ticket.Claim.UserId);
        return (ticket, door, notAllowed);
    }

    private static ClaimResponse Response(string text, Ticket ticket, ClaimStatus status)
    {
        var claim = ticket.Claim;
        var decidedAt = status.DecidedAtMs is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : (DateTimeOffset?)null;
        return status.Outcome switch
        {
            CouponOutcome.None => new(text, claim.CampaignId, claim.UserId, "waiting", status.Position),
            CouponOutcome.Issued => new(text, claim.CampaignId, claim.UserId, "issued", CouponCode: status.Codes[0], DecidedAt: decidedAt),
            _ => new(text, claim.CampaignId, claim.UserId, "refused", Reason: status.Outcome.Name(),
                CouponCodes: status.Codes.Count > 0 ? status.Codes : null, DecidedAt: decidedAt),
        };
    }

    private static Problem? Check(string campaignId, string? userId, string header, out string? key)
    {
        key = header.Length == 0 ? null : header;
        if (Identifier.IsValid(campaignId) && userId is not null && Identifier.IsValid(userId) && header.Length <= IdempotencyKeyMax)
            return null;
        var errors = new Dictionary<string, string>();
        if (!Identifier.IsValid(campaignId))
            errors.Add("campaignId", Identifier.Rule);
        if (userId is null || !Identifier.IsValid(userId))
            errors.Add("userId", userId is null ? "is missing" : Identifier.Rule);
        if (header.Length > IdempotencyKeyMax)
            errors.Add("Idempotency-Key", $"at most {IdempotencyKeyMax} characters");
        return Problem.Invalid(errors);
    }

    private static bool TryWait(HttpContext context, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        var text = context.Request.Query["wait"].ToString();
        if (text.Length == 0)
            return true;
        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) || seconds > WaitSecondsMax)
            return false;
        wait = TimeSpan.FromSeconds(seconds);
        return true;
    }

    private static Problem TicketUnknown() => Problem.NotFound("ticket-unknown", "There is no such ticket.");
}
