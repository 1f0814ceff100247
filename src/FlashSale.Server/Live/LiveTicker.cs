using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Server.Hosting;

namespace FlashSale.Server.Live;

/// <summary>
/// Tells the watchers once a second what changes without an event: windows that open or close, decisions that do not come,
/// and the lag that is gone after a campaign's last event. Done once for all watchers.
/// </summary>
internal sealed class LiveTicker(Node node, LiveHub live, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Decisions take milliseconds; a lag of this age is shown to grow although no events come.</summary>
    private static readonly TimeSpan StalledAfter = TimeSpan.FromSeconds(0.5);

    private readonly Dictionary<string, CouponOutcome> _windows = [];
    private readonly HashSet<string> _unsettled = [];
    private readonly HashSet<int> _stalled = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                _unsettled.UnionWith(live.TakeTouched());
                if (live.Count > 0 && node.Door is { } door)
                    Tick(door);
                else
                    _unsettled.Clear();
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    private void Tick(CouponDoor door)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var follower in door.Partitions)
        {
            var stalled = follower.Lag().Age >= StalledAfter;
            // Once more after it has caught up.
            var lagChanges = stalled ? _stalled.Add(follower.Partition) || stalled : _stalled.Remove(follower.Partition);
            foreach (var campaign in follower.Campaigns)
            {
                var window = campaign.State.WindowAt(now);
                var windowChanged = _windows.TryGetValue(campaign.CampaignId, out var before) && before != window;
                _windows[campaign.CampaignId] = window;
                if (windowChanged || (lagChanges && window == CouponOutcome.None))
                    live.CampaignChanged(campaign.CampaignId);
            }
        }

        _unsettled.RemoveWhere(id =>
        {
            if (door.FollowerOf(id).Lag().Commands > 0)
                return false;
            live.CampaignChanged(id);
            return true;
        });
    }
}
