using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace FlashSale.Cli.Tests.Fakes;

/// <summary>What a fake sale does wrong.</summary>
public enum Flaw
{
    None,
    Oversells,
    SellsTooFew,
    SameCodeTwice,
    NeverDecides,
    UnknownAnswers,
    MiscountsIssued,
}

/// <summary>A server with the coupon part of the interface, in memory and without any log; exact unless told otherwise.</summary>
public sealed class FakeSale : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Campaign> _campaigns = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Claim> _claims = new(StringComparer.Ordinal);
    private readonly bool _http2;
    private WebApplication _app;
    private int _tickets;
    private int _posts;

    private FakeSale(Flaw flaw, bool http2)
    {
        Flaw = flaw;
        _http2 = http2;
        _app = Build(port: 0);
    }

    public Flaw Flaw { get; }

    /// <summary>Every so manieth claim is processed, but the connection breaks instead of an answer.</summary>
    public int LoseAnswerEvery { get; init; }

    /// <summary>Refuse at the door once sold out.</summary>
    public bool RefuseAtDoor { get; init; } = true;

    public string? RequiredApiKey { get; init; }

    public string Url => _app.Urls.First();

    public static async Task<FakeSale> StartAsync(Flaw flaw = Flaw.None, int loseAnswerEvery = 0, bool refuseAtDoor = true, string? apiKey = null, bool http2 = false)
    {
        var sale = new FakeSale(flaw, http2) { LoseAnswerEvery = loseAnswerEvery, RefuseAtDoor = refuseAtDoor, RequiredApiKey = apiKey };
        await sale._app.StartAsync();
        return sale;
    }

    /// <summary>Breaks all connections, then listens again on the same port with the same state.</summary>
    public async Task RestartAsync(Task whileDown)
    {
        int port = new Uri(Url).Port;
        await DisposeAsync();
        await whileDown;
        _app = Build(port);
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private WebApplication Build(int port)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, port, l => l.Protocols = _http2 ? HttpProtocols.Http2 : HttpProtocols.Http1));
        WebApplication app = builder.Build();
        app.MapPut("/api/campaigns/{id}", Put);
        app.MapGet("/api/campaigns", () => new { items = _campaigns.Values.Select(c => c.Show()) });
        app.MapGet("/api/campaigns/{id}", (string id) => _campaigns.TryGetValue(id, out Campaign? c) ? Results.Ok(c.Show(Flaw)) : Problem(404, "campaign-unknown"));
        app.MapPost("/api/campaigns/{id}/close", (string id) => _campaigns.TryGetValue(id, out Campaign? c) ? Results.Ok(c.Close()) : Problem(404, "campaign-unknown"));
        app.MapPost("/api/campaigns/{id}/claims", PostClaim);
        app.MapGet("/api/claims/{ticket}", GetClaim);
        app.MapGet("/api/users/{id}/coupons", (string id) => new { items = _campaigns.Values.SelectMany(c => c.CouponsOf(id)) });
        return app;
    }

    private static IResult Problem(int status, string code) => Results.Problem(statusCode: status, type: "urn:flashsale:" + code, extensions: new Dictionary<string, object?>(StringComparer.Ordinal) { ["code"] = code });

    private IResult Put(string id, CampaignBody body, HttpRequest request)
    {
        if (RequiredApiKey is not null && request.Headers["X-Api-Key"] != RequiredApiKey)
            return Problem(401, "unauthorized");
        Campaign campaign = _campaigns.GetOrAdd(id, _ => new Campaign(id));
        return campaign.Change(body) ? Results.Ok(campaign.Show()) : Problem(409, "quantity-below-issued");
    }

    private IResult PostClaim(string id, ClaimBody body, HttpContext context)
    {
        if (!_campaigns.TryGetValue(id, out Campaign? campaign))
            return Problem(404, "campaign-unknown");
        if (Flaw == Flaw.UnknownAnswers && Interlocked.Increment(ref _posts) % 10 == 0)
            return Results.Text("oops", statusCode: 500);
        if (RefuseAtDoor && campaign.IsSoldOut(Flaw))
            return Problem(409, "sold-out");
        string ticket = "t" + Interlocked.Increment(ref _tickets);
        _claims[ticket] = campaign.Decide(body.UserId, context.Request.Headers["Idempotency-Key"], Flaw);
        if (LoseAnswerEvery > 0 && Interlocked.Increment(ref _posts) % LoseAnswerEvery == 0)
        {
            context.Abort();
            return Results.Empty;
        }
        return Results.Json(new { ticket, state = "waiting", position = 0, statusUrl = "/api/claims/" + ticket }, statusCode: 202);
    }

    private IResult GetClaim(string ticket)
    {
        if (!_claims.TryGetValue(ticket, out Claim? claim))
            return Problem(404, "ticket-unknown");
        if (Flaw == Flaw.NeverDecides && ticket.EndsWith('7'))
            return Results.Ok(new { ticket, state = "waiting", position = 3 });
        return claim.Code is not null
            ? Results.Ok(new { ticket, campaignId = claim.CampaignId, userId = claim.UserId, state = "issued", couponCode = claim.Code })
            : Results.Ok(new { ticket, campaignId = claim.CampaignId, userId = claim.UserId, state = "refused", reason = claim.Reason });
    }

    private sealed record CampaignBody(string? Name, long Quantity, int PerUser, DateTimeOffset? OpensAt, DateTimeOffset? ClosesAt, DiscountBody? Discount);

    private sealed record DiscountBody(string Kind, decimal Value);

    private sealed record ClaimBody(string UserId);

    private sealed record Claim(string CampaignId, string UserId, string? Code, string? Reason);

    private sealed class Campaign(string id)
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, List<(string Code, string? Key)>> _held = new(StringComparer.Ordinal);
        private CampaignBody _settings = new(null, 0, 1, null, null, null);
        private long _issued;
        private bool _closed;

        public bool Change(CampaignBody body)
        {
            lock (_gate)
            {
                if (body.Quantity < _issued)
                    return false;
                _settings = body with { PerUser = Math.Max(1, body.PerUser) };
                return true;
            }
        }

        public object Close()
        {
            lock (_gate)
                _closed = true;
            return Show();
        }

        public bool IsSoldOut(Flaw flaw)
        {
            lock (_gate)
                return _issued >= Limit(flaw);
        }

        public object Show(Flaw flaw = Flaw.None)
        {
            lock (_gate)
            {
                string state = _closed ? "closed" : _issued >= _settings.Quantity ? "sold-out" : "open";
                return new
                {
                    campaignId = id,
                    name = _settings.Name,
                    state,
                    quantity = _settings.Quantity,
                    perUser = _settings.PerUser,
                    issued = _issued > 0 && flaw == Flaw.MiscountsIssued ? _issued - 1 : _issued,
                    remaining = _settings.Quantity - _issued,
                    opensAt = _settings.OpensAt,
                    closesAt = _settings.ClosesAt,
                    discount = _settings.Discount,
                    lag = new { commands = 0, seconds = 0.0 },
                };
            }
        }

        public IEnumerable<object> CouponsOf(string userId)
        {
            lock (_gate)
                return [.. _held.GetValueOrDefault(userId, []).Select(h => (object)new { code = h.Code, campaignId = id, state = "issued" })];
        }

        public Claim Decide(string userId, string? key, Flaw flaw)
        {
            lock (_gate)
            {
                List<(string Code, string? Key)> held = _held.TryGetValue(userId, out var known) ? known : _held[userId] = [];
                if (key is not null && held.Find(h => h.Key == key).Code is { } same)
                    return new Claim(id, userId, same, null);
                if (_closed)
                    return new Claim(id, userId, null, "closed");
                if (held.Count >= _settings.PerUser)
                    return new Claim(id, userId, null, "already-claimed");
                if (_issued >= Limit(flaw))
                    return new Claim(id, userId, null, "sold-out");
                _issued++;
                string code = $"{id}-{(flaw == Flaw.SameCodeTwice ? _issued / 2 : _issued)}";
                held.Add((code, key));
                return new Claim(id, userId, code, null);
            }
        }

        private long Limit(Flaw flaw) => flaw switch
        {
            Flaw.Oversells => _settings.Quantity + 1,
            Flaw.SellsTooFew => _settings.Quantity - 1,
            _ => _settings.Quantity,
        };
    }
}
