using System.Collections.Concurrent;
using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Core.Log;

namespace FlashSale.Server.Live;

/// <summary>
/// Spreads what events change to those who watch. A campaign's state is kept once per watcher, the latest only; decisions of a
/// user's claims are queued up to a bound. So a slow watcher costs nothing but its own news.
/// </summary>
public sealed class LiveHub
{
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<LiveSubscription, byte>> _campaigns = new();
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<LiveSubscription, byte>> _users = new();
    private int _count;

    /// <summary>Watchers of this node.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Watches campaigns and users until disposed.</summary>
    public LiveSubscription Subscribe(IReadOnlyCollection<string> campaigns, IReadOnlyCollection<string> users)
    {
        Interlocked.Increment(ref _count);
        var subscription = new LiveSubscription(this, campaigns, users);
        Add(_campaigns, campaigns, subscription);
        Add(_users, users, subscription);
        return subscription;
    }

    /// <summary>Tells the watchers what an event has changed.</summary>
    public void Publish(int partition, EventRecord told, DecidedRecord record)
    {
        if (Count == 0)
            return;
        foreach (var campaign in record.Campaigns)
        {
            if (_campaigns.TryGetValue(campaign, out var watchers))
            {
                foreach (var watcher in watchers.Keys)
                    watcher.CampaignChanged(campaign);
            }
        }

        if (!_users.IsEmpty && record.Count > 0)
            PublishClaims(partition, told, record);
    }

    internal void Remove(LiveSubscription subscription, IReadOnlyCollection<string> campaigns, IReadOnlyCollection<string> users)
    {
        Interlocked.Decrement(ref _count);
        Remove(_campaigns, campaigns, subscription);
        Remove(_users, users, subscription);
    }

    private void PublishClaims(int partition, EventRecord told, DecidedRecord record)
    {
        var commands = CouponRecord.Open(told.Command.Span);
        for (var index = 0; commands.TryNext(out var command); index++)
        {
            if (command.Kind != CouponCommandKind.Claim)
                continue;
            var user = System.Text.Encoding.ASCII.GetString(command.User);
            if (!_users.TryGetValue(user, out var watchers))
                continue;
            var claim = new LiveClaim(partition, commands.Campaigns[command.Campaign], user, record[index]);
            foreach (var watcher in watchers.Keys)
                watcher.ClaimDecided(claim);
        }
    }

    private static void Add(
        ConcurrentDictionary<string, ConcurrentDictionary<LiveSubscription, byte>> all, IEnumerable<string> ids, LiveSubscription subscription)
    {
        foreach (var id in ids)
        {
            // Under the set's lock, so that a set being removed as empty is not added to.
            lock (all)
                all.GetOrAdd(id, static _ => new()).TryAdd(subscription, 0);
        }
    }

    private static void Remove(
        ConcurrentDictionary<string, ConcurrentDictionary<LiveSubscription, byte>> all, IEnumerable<string> ids, LiveSubscription subscription)
    {
        foreach (var id in ids)
        {
            lock (all)
            {
                if (all.TryGetValue(id, out var watchers) && watchers.TryRemove(subscription, out _) && watchers.IsEmpty)
                    all.TryRemove(id, out _);
            }
        }
    }
}

/// <summary>A decided claim of a watched user.</summary>
public readonly record struct LiveClaim(int Partition, string CampaignId, string UserId, Decision Decision);

/// <summary>What one watcher has not been sent yet.</summary>
public sealed class LiveSubscription : IDisposable
{
    /// <summary>Decisions kept for a watcher that does not read; older ones are dropped.</summary>
    private const int ClaimsMax = 1_000;

    private readonly LiveHub _hub;
    private readonly IReadOnlyCollection<string> _campaigns;
    private readonly IReadOnlyCollection<string> _users;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _news = new(0, 1);
    private HashSet<string> _changed = [];
    private Queue<LiveClaim> _claims = [];

    internal LiveSubscription(LiveHub hub, IReadOnlyCollection<string> campaigns, IReadOnlyCollection<string> users)
    {
        _hub = hub;
        _campaigns = campaigns;
        _users = users;
        _changed.UnionWith(campaigns);
        _news.Release();
    }

    /// <summary>Waits for news, at most so long; yields the campaigns that have changed and the claims decided since the last call. The first call names all campaigns.</summary>
    public async Task<(IReadOnlyCollection<string> Campaigns, IReadOnlyCollection<LiveClaim> Claims)> NextAsync(TimeSpan wait, CancellationToken cancel)
    {
        await _news.WaitAsync(wait, cancel);
        lock (_gate)
        {
            var news = (_changed, _claims);
            (_changed, _claims) = ([], []);
            return news;
        }
    }

    public void Dispose()
    {
        _hub.Remove(this, _campaigns, _users);
        _news.Dispose();
    }

    internal void CampaignChanged(string campaignId)
    {
        lock (_gate)
            _changed.Add(campaignId);
        Wake();
    }

    internal void ClaimDecided(in LiveClaim claim)
    {
        lock (_gate)
        {
            _claims.Enqueue(claim);
            if (_claims.Count > ClaimsMax)
                _claims.Dequeue();
        }

        Wake();
    }

    private void Wake()
    {
        try
        {
            if (_news.CurrentCount == 0)
                _news.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // Woken by somebody else, or gone.
        }
    }
}
