using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Server.Coupons;
using FlashSale.Server.Http;

namespace FlashSale.Server.Live;

/// <summary>Live updates.</summary>
internal static class LiveEndpoints
{
    /// <summary>At most ten times a second what has changed is sent, each campaign once.</summary>
    private static readonly TimeSpan SendInterval = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan BeatInterval = TimeSpan.FromSeconds(15);

    public static void MapLive(this WebApplication app) =>
        app.MapGet("/api/live", WatchAsync).WithTags("Operations")
            .WithSummary("Server-sent events: campaign (its counters) and claim (a user's decisions), for topics=campaigns,campaign:ID,user:ID")
            .Produces<CampaignResponse>(200, "text/event-stream").ProducesProblem(400).ProducesProblem(503);

    private static async Task WatchAsync(HttpContext context, Api api, LiveHub live)
    {
        var (topics, door, problem) = await CheckAsync(context, api);
        LiveSubscription? subscription = null;
        if (problem is null && !live.TrySubscribe(topics!, out subscription))
        {
            api.Telemetry.Refused(DoorRefusal.Overloaded);
            problem = Problem.Of(DoorRefusal.Overloaded);
        }

        if (problem is not null)
        {
            await problem.ExecuteAsync(context);
            return;
        }

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, api.Stopping);
        using (subscription)
            await SendAsync(context, new LiveView(door!, topics!, api.Time), subscription!, ending.Token);
    }

    private static async ValueTask<(LiveTopics? Topics, CouponDoor? Door, Problem? Problem)> CheckAsync(HttpContext context, Api api)
    {
        var (topics, error) = LiveTopics.Parse(context.Request.Query["topics"].ToString());
        if (topics is null)
            return (null, null, Problem.Invalid("topics", error!));
        foreach (var user in topics.Users)
        {
            if ((await api.Callers.UserAsync(context, user)).Problem is { } notAllowed)
                return (null, null, notAllowed);
        }

        return api.TryDoor(out var door, out var problem) ? (topics, door, null) : (null, null, problem);
    }

    private static async Task SendAsync(HttpContext context, LiveView view, LiveSubscription subscription, CancellationToken ending)
    {
        try
        {
            await using var events = await EventStream.BeginAsync(context);
            var last = view.Time.GetTimestamp();
            while (!ending.IsCancellationRequested)
            {
                var untilBeat = BeatInterval - view.Time.GetElapsedTime(last);
                var news = await subscription.NextAsync(untilBeat > TimeSpan.Zero ? untilBeat : TimeSpan.Zero, ending);
                var sent = 0;
                foreach (var claim in news.Claims)
                {
                    await events.WriteAsync("claim", view.Of(claim), ServerJson.Default.ClaimEvent);
                    sent++;
                }

                foreach (var campaign in view.Changed(news))
                {
                    await events.WriteAsync("campaign", campaign, ServerJson.Default.CampaignResponse);
                    sent++;
                }

                if (sent > 0)
                    await events.FlushAsync();
                else if (view.Time.GetElapsedTime(last) >= BeatInterval)
                    await events.BeatAsync();
                else
                    continue;
                last = view.Time.GetTimestamp();
                await Task.Delay(SendInterval, view.Time, ending);
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The watcher has gone, or the host stops.
        }
    }
}

/// <summary>A decided claim as watchers of its user see it.</summary>
/// <param name="State"><c>issued</c> or <c>refused</c>.</param>
public sealed record ClaimEvent(string State, string CampaignId, string UserId, string? CouponCode, string? Reason, DateTimeOffset DecidedAt);

/// <summary>What one watcher sees, and has seen.</summary>
internal sealed class LiveView(CouponDoor door, LiveTopics topics, TimeProvider time)
{
    private readonly Dictionary<string, CampaignResponse> _seen = [];

    public TimeProvider Time => time;

    /// <summary>The campaigns that look different from what was sent last, as they are now; where all are shown, the oldest first.</summary>
    public IEnumerable<CampaignResponse> Changed(LiveNews news)
    {
        var now = time.GetUtcNow();
        var campaigns = !news.AllCampaigns ? news.Campaigns.Select(door.FindCampaign)
            : topics.AllCampaigns ? door.Partitions.SelectMany(static p => p.Campaigns).OrderBy(static c => c.State.OpenedAtMs)
            : topics.Campaigns.Select(door.FindCampaign);
        foreach (var campaign in campaigns)
        {
            // A claim may name a campaign that does not exist.
            if (campaign is null)
                continue;
            var response = CampaignEndpoints.Response(campaign, door.FollowerOf(campaign.CampaignId), now);
            if (_seen.TryGetValue(response.CampaignId, out var before) && before == response)
                continue;
            _seen[response.CampaignId] = response;
            yield return response;
        }
    }

    public ClaimEvent Of(LiveClaim claim)
    {
        var decision = claim.Decision;
        var issued = decision.Outcome.IsIssued();
        return new ClaimEvent(
            issued ? "issued" : "refused", claim.CampaignId, claim.UserId,
            issued ? door.CodeOf(claim.Partition, claim.CampaignId, decision.Campaign, decision.Sequence) : null,
            issued ? null : decision.Outcome.Name(), DateTimeOffset.FromUnixTimeMilliseconds(decision.ToldAtMs));
    }
}
