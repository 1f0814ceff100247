using FlashSale.Cli.Http;

namespace FlashSale.Cli.Storm;

/// <summary>Everything that sends: the pacer and the pools of connections, one per kind of request.</summary>
internal sealed class StormEngine : IDisposable
{
    // Enough to keep a server busy that answers at once, few enough to be polite when the storm is over.
    private const int SettleConnections = 64;
    private const int RetryConnections = 64;
    private const int CouponConnections = 16;

    // Time for the threads to start before the first claim is due.
    private static readonly TimeSpan Lead = TimeSpan.FromMilliseconds(50);

    private readonly StormOptions _options;
    private readonly IReadOnlyList<HttpEndpoint> _endpoints;
    private readonly List<LanePool> _pools = [];
    private readonly LanePool[] _claims;
    private readonly LanePool _samples;
    private readonly LanePool _settle;
    private readonly LanePool _retries;
    private readonly Pacer _pacer;
    private readonly ClosedLoop? _loop;
    private readonly bool[] _asked;
    private readonly TaskCompletionSource _fault = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _retrying;

    public StormEngine(StormOptions options, Schedule schedule, IReadOnlyList<HttpEndpoint> endpoints, TimeProvider time, ToldWriter? told = null)
    {
        _options = options;
        _endpoints = endpoints;
        _retrying = options.RetryUnknown;
        Clock = new StormClock(time, Lead);
        Book = new ClaimBook(schedule, options.Campaigns.Count, told);
        Meters = new StormMeters(Clock, schedule, options.WarmUp, options.ClosedLoop is not null);
        Delays = new DelayQueue(Clock);
        _asked = new bool[schedule.Count];
        var claim = new ClaimExchange(Book, Meters, options)
        {
            Accepted = AskIfSampled,
            Retry = options.RetryUnknown ? RetryLater : null,
            Finished = options.ClosedLoop is null ? null : answered => _loop!.Next(answered),
        };
        Sampled = new TicketExchange(Book, Meters, (item, after) => Delays.Add(_samples!, item, after));
        Settled = new TicketExchange(Book, meters: null, (item, after) => Delays.Add(_settle!, item, after));
        TimeSpan held = TicketExchange.Wait + options.AnswerTimeout;
        if (options.ClosedLoop is { } callers)
        {
            _claims = [AddPool(endpoints, claim, callers, WhenDown.Fail, options.AnswerTimeout)];
            _loop = new ClosedLoop(callers, options.ClosedLoopLength, schedule.Count, Clock, _claims[0], Delays);
        }
        else
        {
            int claimLanes = Math.Max(1, options.Connections / endpoints.Count);
            _claims = [.. endpoints.Select(e => AddPool([e], claim, claimLanes, WhenDown.Fail, options.AnswerTimeout))];
        }
        _retries = AddPool(endpoints, claim, RetryConnections, WhenDown.Wait, options.AnswerTimeout);
        _samples = AddPool(endpoints, Sampled, options.WaitConnections, WhenDown.Wait, held);
        _settle = AddPool(endpoints, Settled, SettleConnections, WhenDown.Wait, held);
        _pacer = new Pacer(_loop is null ? schedule : null, Clock, SendClaim, Fault) { Delays = Delays, Patient = [_retries, _samples, _settle] };
    }

    public StormClock Clock { get; }

    public ClaimBook Book { get; }

    public StormMeters Meters { get; }

    public TicketExchange Sampled { get; }

    public TicketExchange Settled { get; }

    private DelayQueue Delays { get; }

    /// <summary>Every claim has been sent, and has an answer or none to come.</summary>
    public bool ClaimsFinished => _loop?.IsOver ?? Book.Finished == Book.Schedule.Count;

    /// <summary>How many claims there will be; in a closed loop those so far.</summary>
    public long Claims => _loop is null ? Book.Schedule.Count : Book.Offered;

    /// <summary>Ends with the exception that broke the run, if one does.</summary>
    public Task Faulted => _fault.Task;

    /// <summary>Claims that were due while all connections were busy; in a closed loop there are none, because a free one is what makes them due.</summary>
    public long ClaimsQueued => _loop is null ? _claims.Sum(p => p.Queued) : 0;

    public long SamplesQueued => _samples.Queued;

    public long Connections => _pools.Sum(p => p.Connections);

    public void Start()
    {
        _pacer.Start();
        _loop?.Start();
    }

    /// <summary>No further claims and no further repeats of unanswered ones; what is still under way is broken off.</summary>
    public void StopOffering()
    {
        _pacer.StopOffering();
        _loop?.Stop();
        _retrying = false;
        foreach (LanePool pool in (LanePool[])[.. _claims, _retries])
            pool.Dispose();
    }

    /// <summary>Asks for the decision of every accepted claim that nobody has asked for yet.</summary>
    public void SettleAll()
    {
        for (int slot = 0; slot < Book.Schedule.Count; slot++)
        {
            if (Book.StateOf(slot) == ClaimState.Accepted && !_asked[slot])
                Ask(slot, Settled, _settle);
        }
    }

    /// <summary>Asks which coupons these users hold; <see cref="CouponsExchange.Finished"/> tells when all have been asked.</summary>
    public CouponsExchange AskCoupons(IReadOnlyList<UserInDoubt> users)
    {
        var exchange = new CouponsExchange(users, _options, Book);
        LanePool pool = AddPool(_endpoints, exchange, CouponConnections, WhenDown.Fail, _options.AnswerTimeout);
        for (int i = 0; i < users.Count; i++)
            pool.Submit(i);
        return exchange;
    }

    /// <summary>To be called a few times a second.</summary>
    public void AbortOverdue()
    {
        foreach (LanePool pool in _pools)
            pool.AbortOverdue();
    }

    public void Dispose()
    {
        _pacer.Dispose();
        foreach (LanePool pool in _pools)
            pool.Dispose();
    }

    private LanePool AddPool(IReadOnlyList<HttpEndpoint> endpoints, IExchange exchange, int lanes, WhenDown whenDown, TimeSpan answerMax)
    {
        var pool = new LanePool(endpoints, exchange, new LanePoolSettings(lanes, whenDown, answerMax, _options.Http2), Clock.Time, Fault);
        _pools.Add(pool);
        return pool;
    }

    // Turning by one more after each round over the campaigns spreads every campaign over all addresses.
    private void SendClaim(int slot) => _claims[(slot + (slot / Book.Campaigns)) % _claims.Length].Submit(slot);

    private void AskIfSampled(int slot)
    {
        // Fibonacci hashing spreads the sample evenly over time, repeatably for a seed.
        ulong hash = ((ulong)slot + ((ulong)_options.Seed << 32)) * 0x9E3779B97F4A7C15;
        if ((hash >> 11) * (1.0 / (1UL << 53)) < _options.DecisionSample)
            Ask(slot, Sampled, _samples);
    }

    private void Ask(int slot, TicketExchange exchange, LanePool pool)
    {
        _asked[slot] = true;
        exchange.Asking();
        pool.Submit(slot);
    }

    private void RetryLater(int slot, TimeSpan after)
    {
        if (_retrying)
            Delays.Add(_retries, slot, after);
    }

    private void Fault(Exception e) => _fault.TrySetException(e);
}
