namespace FlashSale.Server.Live;

/// <summary>What one watcher has not been sent yet. One reader; told by any thread.</summary>
public sealed class LiveSubscription : IDisposable
{
    /// <summary>Decisions kept for a watcher that does not read, about 200 bytes each; older ones are dropped.</summary>
    internal const int ClaimsMax = 1_000;

    private readonly LiveHub _hub;
    private readonly LiveTopics _topics;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _news = new(1, 1);
    private HashSet<string> _changed = [];
    private Queue<LiveClaim> _claims = [];
    private bool _allChanged = true;
    private bool _disposed;

    internal LiveSubscription(LiveHub hub, LiveTopics topics)
    {
        _hub = hub;
        _topics = topics;
    }

    /// <summary>Waits for news, at most so long. The first call says that all has changed.</summary>
    public async Task<LiveNews> NextAsync(TimeSpan wait, CancellationToken cancel)
    {
        await _news.WaitAsync(wait, cancel);
        lock (_gate)
        {
            var news = new LiveNews(_allChanged, _changed, _claims);
            (_allChanged, _changed, _claims) = (false, [], []);
            return news;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            _news.Dispose();
        }

        _hub.Remove(this, _topics);
    }

    internal void CampaignChanged(string campaignId)
    {
        lock (_gate)
        {
            if (!_allChanged)
                _changed.Add(campaignId);
            Wake();
        }
    }

    internal void AllChanged()
    {
        lock (_gate)
        {
            _allChanged = true;
            _changed.Clear();
            Wake();
        }
    }

    internal void ClaimDecided(LiveClaim claim)
    {
        lock (_gate)
        {
            _claims.Enqueue(claim);
            if (_claims.Count > ClaimsMax)
                _claims.Dequeue();
            Wake();
        }
    }

    private void Wake()
    {
        // Only those who hold the gate release, so that the count cannot pass one.
        if (!_disposed && _news.CurrentCount == 0)
            _news.Release();
    }
}

/// <summary>What has changed since a watcher asked last.</summary>
/// <param name="AllCampaigns">Every campaign that it watches may have changed.</param>
public readonly record struct LiveNews(bool AllCampaigns, IReadOnlyCollection<string> Campaigns, IReadOnlyCollection<LiveClaim> Claims);
