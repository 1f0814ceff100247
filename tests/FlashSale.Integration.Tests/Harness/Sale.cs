using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;

namespace FlashSale.Integration.Tests.Harness;

/// <summary>A caller of the HTTP interface: opens campaigns, claims coupons, and remembers every claim that was accepted.</summary>
internal sealed class Sale : IDisposable
{
    private const int LearnersMax = 64;

    private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5) }) { Timeout = TimeSpan.FromSeconds(20) };
    private readonly ConcurrentQueue<AcceptedClaim> _accepted = new();
    private readonly ConcurrentDictionary<string, int> _refused = new();
    private volatile IReadOnlyList<Uri> _doors;
    private int _next;
    private int _unanswered;
    private int _accepts;

    public Sale(params ServerProcess[] doors) => _doors = [.. doors.Select(d => d.Address)];

    /// <summary>Claims that were answered with 202.</summary>
    public IReadOnlyCollection<AcceptedClaim> Accepted => _accepted;

    public int AcceptedCount => Volatile.Read(ref _accepts);

    /// <summary>Claims whose connection broke: nobody knows whether they count.</summary>
    public int Unanswered => Volatile.Read(ref _unanswered);

    /// <summary>Claims refused at the door, by code.</summary>
    public int Refused(string code) => _refused.GetValueOrDefault(code);

    public string Summary => $"{AcceptedCount} accepted, {Unanswered} unanswered, refused: {string.Join(", ", _refused.Select(r => $"{r.Value} {r.Key}"))}";

    /// <summary>Where claims and questions go from now on, in turn.</summary>
    public void GoTo(params ServerProcess[] doors) => _doors = [.. doors.Select(d => d.Address)];

    /// <summary>Opens or changes a campaign; it is decided when this ends.</summary>
    public async Task<Campaign> OpenAsync(string campaignId, int quantity, int perUser = 1)
    {
        using var response = await _http.PutAsJsonAsync(new Uri(Door(), $"/api/campaigns/{campaignId}"), new { name = "Test", quantity, perUser });
        return response.StatusCode == HttpStatusCode.OK
            ? (await response.Content.ReadFromJsonAsync<Campaign>())!
            : throw new InvalidOperationException($"PUT {campaignId} was answered with {response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
    }

    /// <summary>Waits until every door knows the campaign.</summary>
    public Task KnownAsync(string campaignId) => Wait.UntilAsync($"every node knows {campaignId}", TimeSpan.FromSeconds(5), async () =>
    {
        foreach (var door in _doors)
        {
            using var response = await _http.GetAsync(new Uri(door, $"/api/campaigns/{campaignId}"));
            if (response.StatusCode != HttpStatusCode.OK)
                return $"{door} answers {response.StatusCode}";
        }

        return null;
    });

    public async Task<Campaign> CampaignAsync(string campaignId) =>
        (await _http.GetFromJsonAsync<Campaign>(new Uri(Door(), $"/api/campaigns/{campaignId}")))!;

    /// <summary>Waits until all coupons of the campaigns are issued.</summary>
    public Task<TimeSpan> SoldOutAsync(TimeSpan within, params string[] campaigns) =>
        IssuedAsync(c => c.State == "sold-out", "all is sold out", within, campaigns);

    /// <summary>Waits until so many coupons of each campaign are issued.</summary>
    public Task<TimeSpan> IssuedAsync(int coupons, TimeSpan within, params string[] campaigns) =>
        IssuedAsync(c => c.Issued >= coupons, $"{coupons} coupons are issued", within, campaigns);

    /// <summary>Claims once. Yields the claim where it was accepted.</summary>
    public async Task<ClaimAnswer> ClaimAsync(string campaignId, string userId, string? key = null, Uri? door = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(door ?? Door(), $"/api/campaigns/{campaignId}/claims"));
        request.Content = JsonContent.Create(new { userId });
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        try
        {
            using var response = await _http.SendAsync(request);
            if (response.StatusCode == HttpStatusCode.Accepted)
            {
                var accepted = new AcceptedClaim(campaignId, userId, key, (await response.Content.ReadFromJsonAsync<Accepted202>())!.Ticket);
                _accepted.Enqueue(accepted);
                Interlocked.Increment(ref _accepts);
                return new ClaimAnswer(response.StatusCode, null, accepted, null);
            }

            var code = response.Content.Headers.ContentType?.MediaType == "application/problem+json" ? (await response.Content.ReadFromJsonAsync<ProblemBody>())!.Code ?? "none" : "none";
            _refused.AddOrUpdate(code, 1, static (_, n) => n + 1);
            return new ClaimAnswer(response.StatusCode, code, null, response.Headers.RetryAfter?.Delta);
        }
        catch (Exception e) when (ServerProcess.IsUnanswered(e))
        {
            Interlocked.Increment(ref _unanswered);
            return new ClaimAnswer(default(HttpStatusCode), null, null, null);
        }
    }

    /// <summary>What became of a claim; null where nobody answers.</summary>
    public async Task<ClaimState?> StateAsync(AcceptedClaim claim, int waitSeconds = 0)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri(Door(), $"/api/claims/{claim.Ticket}?wait={waitSeconds}"));
            return response.StatusCode == HttpStatusCode.OK
                ? await response.Content.ReadFromJsonAsync<ClaimState>()
                : new ClaimState(claim.Ticket, "", "", $"HTTP {response.StatusCode}", null, null);
        }
        catch (Exception e) when (ServerProcess.IsUnanswered(e))
        {
            return null;
        }
    }

    /// <summary>Claims, waits until it is decided, and says how long both took.</summary>
    public async Task<TimeSpan> DecideAsync(string campaignId, string userId, TimeSpan within, Uri? door = null)
    {
        var clock = Stopwatch.StartNew();
        AcceptedClaim? claim = null;
        await Wait.UntilAsync($"a claim of {campaignId} is accepted", within, async () =>
        {
            var answer = await ClaimAsync(campaignId, userId, null, door);
            claim = answer.Claim;
            return claim is null ? $"{answer.Status} {answer.Code}" : null;
        });
        await Wait.UntilAsync($"a claim of {campaignId} is decided", within - clock.Elapsed, async () =>
            await StateAsync(claim!, 1) is { State: "issued" or "refused" } ? null : "it waits");
        return clock.Elapsed;
    }

    /// <summary>Asks for the outcome of every accepted claim. Fails where one is not decided in time.</summary>
    public async Task<IReadOnlyList<(AcceptedClaim Claim, ClaimState State)>> LearnAsync(TimeSpan within)
    {
        var learned = new ConcurrentBag<(AcceptedClaim, ClaimState)>();
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(_accepted, new ParallelOptions { MaxDegreeOfParallelism = LearnersMax }, async (claim, _) =>
        {
            ClaimState? state = null;
            var left = within - clock.Elapsed;
            await Wait.UntilAsync($"the claim of {claim.UserId} in {claim.CampaignId} is decided", left > TimeSpan.Zero ? left : TimeSpan.Zero, async () =>
            {
                state = await StateAsync(claim, 2);
                return state is { State: "issued" or "refused" } ? null : state?.State ?? "nobody answers";
            });
            learned.Add((claim, state!));
        });
        return [.. learned];
    }

    public void Dispose() => _http.Dispose();

    private Task<TimeSpan> IssuedAsync(Func<Campaign, bool> holds, string what, TimeSpan within, string[] campaigns) => Wait.UntilAsync(what, within, async () =>
        (await Task.WhenAll(campaigns.Select(CampaignAsync))).Where(c => !holds(c)).Select(c => $"{c.CampaignId} has issued {c.Issued} of {c.Quantity}").FirstOrDefault());

    private Uri Door()
    {
        var doors = _doors;
        return doors[(int)((uint)Interlocked.Increment(ref _next) % (uint)doors.Count)];
    }

    private sealed record Accepted202(string Ticket, string State, long Position, string StatusUrl);

    private sealed record ProblemBody(string? Type, string? Code, string Title, int Status);
}

internal sealed record AcceptedClaim(string CampaignId, string UserId, string? Key, string Ticket);

/// <param name="Status">Default: the connection broke.</param>
internal sealed record ClaimAnswer(HttpStatusCode Status, string? Code, AcceptedClaim? Claim, TimeSpan? RetryAfter);

internal sealed record ClaimState(string Ticket, string CampaignId, string UserId, string State, string? Reason, string? CouponCode);

internal sealed record Campaign(string CampaignId, string State, int Quantity, int PerUser, int Issued, int Remaining);
