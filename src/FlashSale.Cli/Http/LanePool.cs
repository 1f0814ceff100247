namespace FlashSale.Cli.Http;

/// <summary>What a pool does with a request while nothing listens.</summary>
internal enum WhenDown
{
    /// <summary>Tells the exchange at once: an open loop does not wait.</summary>
    Fail,

    /// <summary>Keeps the request until something listens again.</summary>
    Wait,
}

/// <summary>How a pool of connections works.</summary>
/// <param name="LanesMax">Most requests in flight, 1 or more.</param>
/// <param name="AnswerMax">How long a request may stay without an answer.</param>
internal sealed record LanePoolSettings(int LanesMax, WhenDown WhenDown, TimeSpan AnswerMax, bool Http2 = false);

/// <summary>
/// A bounded number of connections to one or several servers, for one kind of request. The last connection that became free is
/// used first, so that only as many are open as are needed. Requests beyond the bound wait in order of arrival; that queue holds
/// numbers only and is bounded by the number of claims, which is known before the start.
/// Protocol: the lock guards the two collections; a lane is either on the idle stack or owned by exactly one running loop.
/// </summary>
internal sealed class LanePool : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stack<Lane> _idle = new();
    private readonly List<Lane> _all = [];
    private readonly Queue<int> _pending = new();
    private int _nextEndpoint;
    private readonly IReadOnlyList<HttpEndpoint> _endpoints;
    private readonly LanePoolSettings _settings;
    private readonly TimeProvider _time;
    private readonly Action<Exception> _fault;
    private readonly HttpMessageInvoker? _http2;
    private bool _disposed;
    private long _connections;
    private long _queued;

    public LanePool(IReadOnlyList<HttpEndpoint> endpoints, IExchange exchange, LanePoolSettings settings, TimeProvider time, Action<Exception> fault)
    {
        _endpoints = endpoints;
        _settings = settings;
        _time = time;
        _fault = fault;
        _http2 = settings.Http2 ? Http2Lane.CreateClient(CountConnection) : null;
        Exchange = exchange;
    }

    public IExchange Exchange { get; }

    /// <summary>Connections made, reconnects included.</summary>
    public long Connections => Interlocked.Read(ref _connections);

    /// <summary>Requests that had to wait for a free connection.</summary>
    public long Queued => Interlocked.Read(ref _queued);

    public void Fault(Exception e) => _fault(e);

    public void CountConnection() => Interlocked.Increment(ref _connections);

    /// <summary>Sends the request for this item on a free connection, or as soon as one is free.</summary>
    public void Submit(int item)
    {
        Lane? lane;
        lock (_gate)
        {
            if (_disposed)
                return;
            lane = _settings.WhenDown == WhenDown.Wait && AllDown() ? null : TakeLane();
            if (lane is null)
            {
                _pending.Enqueue(item);
                _queued++;
                return;
            }
        }
        _ = lane.RunAsync(item);
    }

    /// <summary>Starts waiting requests after something listens again; called regularly by the pacer.</summary>
    public void Kick()
    {
        // While it is not known whether the server is back, one request goes ahead to find out.
        int count = _endpoints.Any(e => !e.IsSuspect) ? int.MaxValue : 1;
        while (count-- > 0)
        {
            Lane? lane;
            int item;
            lock (_gate)
            {
                if (_pending.Count == 0 || AllDown() || (lane = TakeLane()) is null)
                    return;
                item = _pending.Dequeue();
            }
            _ = lane.RunAsync(item);
        }
    }

    /// <summary>Gives a lane its next request, or puts it to rest.</summary>
    public bool TryNext(Lane lane, out int item)
    {
        lock (_gate)
        {
            bool hold = _settings.WhenDown == WhenDown.Wait && AllDown();
            if (!hold && _pending.TryDequeue(out item))
                return true;
            _idle.Push(lane);
            item = -1;
            return false;
        }
    }

    /// <summary>The endpoint for the next request: the one connected to if there is one, else the next in turn that is not down.</summary>
    public HttpEndpoint? ChooseEndpoint(HttpEndpoint? connected)
    {
        if (connected is not null)
            return connected;
        for (int i = 0; i < _endpoints.Count; i++)
        {
            HttpEndpoint endpoint = _endpoints[(int)((uint)Interlocked.Increment(ref _nextEndpoint) % (uint)_endpoints.Count)];
            if (!endpoint.IsDown(_time))
                return endpoint;
        }
        return null;
    }

    /// <summary>A request that could not be sent because nothing listens.</summary>
    public void NotConnected(int item)
    {
        if (_settings.WhenDown == WhenDown.Fail)
        {
            Exchange.Failed(item, NoAnswer.NotConnected);
            return;
        }
        lock (_gate)
        {
            if (!_disposed)
                _pending.Enqueue(item);
        }
    }

    /// <summary>Breaks off requests without an answer for too long; called regularly.</summary>
    public void AbortOverdue()
    {
        long before = _time.GetTimestamp() - (long)(_settings.AnswerMax.TotalSeconds * _time.TimestampFrequency);
        lock (_gate)
        {
            foreach (Lane lane in _all)
                lane.AbortIfSince(before);
        }
    }

    /// <summary>Drops what waits and breaks off what is under way; nothing is sent afterwards.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _pending.Clear();
            foreach (Lane lane in _all)
                lane.Dispose();
        }
        _http2?.Dispose();
    }

    private Lane? TakeLane()
    {
        if (_idle.TryPop(out Lane? lane))
            return lane;
        if (_all.Count == _settings.LanesMax)
            return null;
        lane = _http2 is null ? new Http1Lane(this, _time) : new Http2Lane(this, _http2, _time);
        _all.Add(lane);
        return lane;
    }

    private bool AllDown()
    {
        foreach (HttpEndpoint endpoint in _endpoints)
        {
            if (!endpoint.IsDown(_time))
                return false;
        }
        return true;
    }
}
