using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Core.Log;
using FlashSale.Server.Hosting;

namespace FlashSale.Server.Live;

/// <summary>
/// Spreads what events change to those who watch. A watcher keeps the names of the campaigns that have changed, never their
/// states: it looks those up when it sends them. Decisions of a user's claims are queued up to a bound. So a slow watcher costs
/// nothing but its own news, and the threads that follow the events never wait for one.
/// A watcher is entered before it looks anything up, so that no change falls between the two.
/// </summary>
public sealed class LiveHub(Settings settings)
{
    private readonly Topics _campaigns = new();
    private readonly Topics _users = new();
    private readonly ConcurrentDictionary<LiveSubscription, byte> _all = new();
    private readonly int _max = settings.Live.WatchersMax;
    private ConcurrentDictionary<string, byte> _touched = new();
    private int _count;

    /// <summary>Watchers of this node.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Watches until disposed; false where as many watch already as may.</summary>
    public bool TrySubscribe(LiveTopics topics, [NotNullWhen(true)] out LiveSubscription? subscription)
    {
        subscription = null;
        if (Interlocked.Increment(ref _count) > _max)
        {
            Interlocked.Decrement(ref _count);
            return false;
        }

        subscription = new LiveSubscription(this, topics);
        if (topics.AllCampaigns)
            _all.TryAdd(subscription, 0);
        else
            _campaigns.Add(topics.Campaigns, subscription);
        _users.Add(topics.Users, subscription);
        return true;
    }

    /// <summary>Tells the watchers what an event has changed.</summary>
    public void Publish(int partition, EventRecord told, DecidedRecord record)
    {
        if (Count == 0)
            return;
        foreach (var campaign in record.Campaigns)
        {
            _touched.TryAdd(campaign, 0);
            CampaignChanged(campaign);
        }

        if (!_users.IsEmpty && record.Count > 0)
            PublishClaims(partition, told, record);
    }

    /// <summary>Tells the watchers that a campaign looks different than before.</summary>
    public void CampaignChanged(string campaignId)
    {
        foreach (var (watcher, _) in _all)
            watcher.CampaignChanged(campaignId);
        foreach (var watcher in _campaigns.WatchersOf(campaignId))
            watcher.CampaignChanged(campaignId);
    }

    /// <summary>Tells the watchers that any campaign may look different: the state was read anew.</summary>
    public void Renew()
    {
        foreach (var (watcher, _) in _all)
            watcher.AllChanged();
        foreach (var watcher in _campaigns.Watchers)
            watcher.AllChanged();
    }

    /// <summary>The campaigns that events have named since the last call.</summary>
    internal ICollection<string> TakeTouched() => _touched.IsEmpty ? [] : Interlocked.Exchange(ref _touched, new()).Keys;

    internal void Remove(LiveSubscription subscription, LiveTopics topics)
    {
        _all.TryRemove(subscription, out _);
        _campaigns.Remove(topics.Campaigns, subscription);
        _users.Remove(topics.Users, subscription);
        Interlocked.Decrement(ref _count);
    }

    private void PublishClaims(int partition, EventRecord told, DecidedRecord record)
    {
        var commands = CouponRecord.Open(told.Command.Span);
        for (var index = 0; commands.TryNext(out var command); index++)
        {
            if (command.Kind != CouponCommandKind.Claim)
                continue;
            var user = Encoding.ASCII.GetString(command.User);
            LiveClaim? claim = null;
            foreach (var watcher in _users.WatchersOf(user))
                watcher.ClaimDecided(claim ??= new LiveClaim(partition, record.Campaigns[command.Campaign], user, record[index]));
        }
    }

    /// <summary>Who watches what. Names without a watcher are not kept. Read without a lock; changed under one, so that a set being removed as empty is not added to.</summary>
    private sealed class Topics
    {
        private readonly ConcurrentDictionary<string, ConcurrentDictionary<LiveSubscription, byte>> _watchers = new();
        private readonly Lock _changing = new();

        public bool IsEmpty => _watchers.IsEmpty;

        public IEnumerable<LiveSubscription> Watchers => _watchers.SelectMany(static w => w.Value.Select(static s => s.Key)).Distinct();

        public IEnumerable<LiveSubscription> WatchersOf(string name) =>
            _watchers.TryGetValue(name, out var watchers) ? watchers.Select(static w => w.Key) : [];

        public void Add(IEnumerable<string> names, LiveSubscription subscription)
        {
            lock (_changing)
            {
                foreach (var name in names)
                    _watchers.GetOrAdd(name, static _ => new()).TryAdd(subscription, 0);
            }
        }

        public void Remove(IEnumerable<string> names, LiveSubscription subscription)
        {
            lock (_changing)
            {
                foreach (var name in names)
                {
                    if (_watchers.TryGetValue(name, out var watchers) && watchers.TryRemove(subscription, out _) && watchers.IsEmpty)
                        _watchers.TryRemove(name, out _);
                }
            }
        }
    }
}

/// <summary>A decided claim of a watched user.</summary>
public sealed record LiveClaim(int Partition, string CampaignId, string UserId, Decision Decision);
