using System.Collections.Concurrent;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Core.Door;

/// <summary>
/// What a front door knows of one partition: begins with what the state store has applied, then follows the events. An event
/// whose answered offset is not above the mark is a repeat and changes nothing; one that is further ahead than the next means
/// that the beginning was stale, and the state is read again; so it is after an event that cannot be taken. Wakes those who wait for decisions.
/// </summary>
public sealed class CouponFollower(
    int partition, LogId logId, MachineTopics topics, ILog log, ICouponReader state, AppendPace pace, DoorOptions options, TimeProvider time, ICouponFollowerObserver observer)
{
    /// <summary>Twice the default of the engine's untold records: so many repeats may stand at the end. Were there more, the next event would show it.</summary>
    private const int EventsLookedAt = 128;

    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, CampaignView> _campaigns = new();
    private readonly Lock _gate = new();

    /// <summary>Events are taken one at a time, whoever brings them.</summary>
    private readonly Lock _taking = new();
    private readonly Dictionary<long, DecidedRecord> _recent = [];
    private readonly Queue<long> _recentOrder = [];
    private readonly SortedDictionary<long, List<Waiter>> _waiters = [];
    private readonly SortedDictionary<long, Undecided> _undecided = [];
    private readonly DecisionLag _lag = new(options, time);
    private long _recentBytes;
    private long _mark = -1;
    private long _commands;
    private long _undecidedCommands;
    private long _nextEvent;
    private long _end;
    private long _behindSince;
    private int _waiting;
    private volatile string? _notReady = "not started";

    public int Partition => partition;

    public LogId Log => logId;

    /// <summary>Why the partition is not known yet, or null once it is. Stays null through outages: what is known stays true, only newer events are missing.</summary>
    public string? NotReady => _notReady;

    /// <summary>The last command record known to be decided.</summary>
    public long Mark => Volatile.Read(ref _mark);

    /// <summary>Commands of the partition known to be decided.</summary>
    public long Commands => Volatile.Read(ref _commands);

    /// <summary>Commands appended by this node and not known to be decided.</summary>
    public long OwnUndecided => Volatile.Read(ref _undecidedCommands);

    /// <summary>With so many commands of this node undecided, a further one would be decided too late (<see cref="DoorOptions.DecisionLagMax"/>).</summary>
    public long OwnUndecidedMax => _lag.UndecidedMax;

    /// <summary>The next offset of the command partition, as far as this node has seen it.</summary>
    public long End => Volatile.Read(ref _end);

    /// <summary>When the last event was told, Unix milliseconds; 0 before the first.</summary>
    public long LastToldMs { get; private set; }

    /// <summary>Requests that wait for decisions of this partition.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public IEnumerable<CampaignView> Campaigns => _campaigns.Values;

    public CampaignView? Find(string campaignId) => _campaigns.GetValueOrDefault(campaignId);

    /// <summary>Follows until cancelled. Throws nothing.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (NotReady is null || await TryBeginAsync(stop))
                    await FollowAsync(stop);
                else
                    await PauseAsync(stop);
            }
            catch (Exception fault) when (fault is LogUnavailableException or StoreUnavailableException or LogRefusedException)
            {
                // What an event that cannot be taken would have told is in the state; the next event may be long in coming.
                if (NotReady is not null || fault is LogRefusedException)
                    Doubt(fault.Message);
                observer.Faulted(partition, fault);
                await PauseAsync(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
        }
    }

    /// <summary>
    /// Notes that a record of this node is in the log, and estimates the number of its first command within the partition: how many will be decided
    /// up to and with it. Never below what is decided.
    /// </summary>
    public long Appended(long offset, int commands)
    {
        pace.Appended();
        lock (_gate)
        {
            if (offset <= _mark)
                return _commands;
            // A log that has lost its end gives the address once more.
            if (_undecided.TryGetValue(offset, out var lost) && _undecided.Remove(offset))
                _undecidedCommands -= lost.Commands;
            // Records of other nodes in between count as one command each.
            var foreign = Math.Max(0, offset - 1 - _mark - _undecided.Count);
            var first = _commands + _undecidedCommands + foreign + 1;
            _undecided.Add(offset, new Undecided(commands, time.GetTimestamp()));
            _undecidedCommands += commands;
            Extend(offset + 1);
            return first;
        }
    }

    /// <summary>
    /// Takes an event of this process that is still on its way to the log: its callers learn of it one append sooner. What does not follow what is known here
    /// is left to the log, and so is the event itself when it comes from there, as a repeat.
    /// </summary>
    public void Decided(ReadOnlyMemory<byte> value)
    {
        var told = EventRecord.Decode(value);
        lock (_taking)
        {
            if (_notReady is null && told.Log == logId && told.Answers.Offset == Mark + 1)
                Take(told);
        }
    }

    /// <summary>Notes how far the command partition reaches, records of other nodes included: for the lag.</summary>
    public void SeenEnd(long end)
    {
        lock (_gate)
        {
            Extend(end);
        }
    }

    /// <summary>How far decisions are behind the log, as this node knows it: commands (records of other nodes count as one each) and the time for which the oldest of them has waited.</summary>
    public (long Commands, TimeSpan Age) Lag()
    {
        lock (_gate)
        {
            var records = Math.Max(0, _end - 1 - _mark);
            if (records == 0)
                return (0, TimeSpan.Zero);
            var since = _undecided.Count > 0 ? Math.Min(_undecided.First().Value.AppendedAt, _behindSince) : _behindSince;
            return (Math.Max(records - _undecided.Count, 0) + _undecidedCommands, time.GetElapsedTime(since));
        }
    }

    /// <summary>The decision of a command that was told a short while ago, or null.</summary>
    public Decision? FindRecent(long offset, int index)
    {
        lock (_gate)
        {
            return _recent.TryGetValue(offset, out var record) && index < record.Count ? record[index] : null;
        }
    }

    /// <summary>The decision of a claim that was told a short while ago; null also where another command stands at its address.</summary>
    public Decision? FindRecent(in ClaimQuestion claim)
    {
        lock (_gate)
        {
            return _recent.TryGetValue(claim.Offset, out var record) && record.IsOf(claim.Index, claim) ? record[claim.Index] : null;
        }
    }

    /// <summary>Waits until the command at an address is decided. Null: it is decided but not known here any more, look it up in the state; or too many wait.</summary>
    /// <exception cref="TimeoutException">Not decided within <paramref name="wait"/>.</exception>
    public Task<Decision?> WaitAsync(long offset, int index, TimeSpan wait, CancellationToken cancel) =>
        WaitAsync(offset, record => index < record.Count ? record[index] : null, wait, cancel);

    /// <summary>Waits until a claim is decided. Null also where another command stands at its address.</summary>
    /// <exception cref="TimeoutException">Not decided within <paramref name="wait"/>.</exception>
    public Task<Decision?> WaitAsync(ClaimQuestion claim, TimeSpan wait, CancellationToken cancel) =>
        WaitAsync(claim.Offset, record => record.IsOf(claim.Index, claim) ? record[claim.Index] : null, wait, cancel);

    private async Task<Decision?> WaitAsync(long offset, Func<DecidedRecord, Decision?> find, TimeSpan wait, CancellationToken cancel)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (offset <= _mark || _waiting >= options.WaitersMax)
                return _recent.TryGetValue(offset, out var record) ? find(record) : null;
            if (!_waiters.TryGetValue(offset, out var waiters))
                _waiters.Add(offset, waiters = []);
            waiter = new Waiter(find);
            waiters.Add(waiter);
            _waiting++;
        }

        try
        {
            // Task.WaitAsync would hop to the thread pool here, away from the caller's scheduler.
            await using var timeout = time.CreateTimer(static w => ((Waiter)w!).Decided.TrySetException(new TimeoutException()), waiter, wait, Timeout.InfiniteTimeSpan);
            await using var cancelled = cancel.UnsafeRegister(static (w, token) => ((Waiter)w!).Decided.TrySetCanceled(token), waiter);
            return await waiter.Decided.Task;
        }
        finally
        {
            Forget(offset, waiter);
        }
    }

    private void Extend(long end)
    {
        if (end > _mark + 1 && _end <= _mark + 1)
            _behindSince = time.GetTimestamp();
        _end = Math.Max(_end, end);
    }

    private void Forget(long offset, Waiter waiter)
    {
        lock (_gate)
        {
            _waiting--;
            if (_waiters.TryGetValue(offset, out var waiters) && waiters.Remove(waiter) && waiters.Count == 0)
                _waiters.Remove(offset);
        }
    }

    /// <summary>Takes the state as the beginning; false while there is none that is whole and as far as this node already knows.</summary>
    private async Task<bool> TryBeginAsync(CancellationToken stop)
    {
        // The end is taken before the state is read. Every event before it answers a record that the state has applied, unless
        // the state is being rebuilt, or is read from a replica that is behind: then it would stand still until the next event.
        var bounds = await log.BoundsAsync(topics.Events, partition, stop);
        // An event that cannot be read was reported when it was met; it must not keep the door shut.
        var answered = await EventTail.HighestAnsweredAsync(log, topics, partition, logId, bounds, bounds.End - EventsLookedAt, strict: false, stop);
        var snapshot = await state.ReadPartitionAsync(partition, logId);
        // A state that is being rebuilt is whole and lags behind its own events: campaigns are missing in it.
        if (snapshot is null || snapshot.Applied.Offset < Math.Max(Mark, answered.Offset))
        {
            Doubt("its state is missing or being rebuilt");
            return false;
        }

        foreach (var campaign in snapshot.Campaigns)
            _campaigns[campaign.CampaignId] = new CampaignView(campaign.CampaignId, partition, campaign.State, campaign.Description);
        _nextEvent = bounds.End;
        Advance(snapshot.Applied.Offset, snapshot.Commands, null);
        // From here on what this process decides is taken.
        _notReady = null;
        observer.Ready(partition);
        return true;
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        await using var events = log.Read(topics.Events, partition, _nextEvent);
        while (true)
        {
            foreach (var record in await events.ReadAsync(256, 1 << 20, stop))
            {
                _nextEvent = record.Offset + 1;
                var told = EventRecord.Decode(record.Value);
                if (told.Log != logId)
                    throw new LogRefusedException($"the events of partition {partition} answer log {told.Log}, not {logId}: one of the topics was recreated");
                lock (_taking)
                {
                    if (told.Answers.Offset <= Mark)
                        continue;
                    if (told.Answers.Offset > Mark + 1)
                    {
                        Doubt("events were told that the state did not hold yet: reading it again");
                        return;
                    }

                    Take(told);
                }
            }
        }
    }

    /// <summary>What is known here may not be so: the state is read again. Once this returns, nothing is taken any more until that is done.</summary>
    private void Doubt(string reason)
    {
        lock (_taking)
            _notReady = reason;
    }

    private void Take(EventRecord told)
    {
        var record = DecidedRecord.Read(told, Visit);
        for (var i = 0; i < record.Campaigns.Count; i++)
        {
            if (record.StateOf(i) is { } campaign && _campaigns.TryGetValue(record.Campaigns[i], out var view))
                _campaigns[record.Campaigns[i]] = view with { State = campaign };
        }

        LastToldMs = told.ToldAtMs;
        pace.Decided();
        Advance(told.Answers.Offset, told.Commands, record);
        observer.Told(partition, told, record);
    }

    private void Visit(DecidedRecord record, in CouponCommandView command, CouponOutcome outcome, int sequence)
    {
        if (outcome is not (CouponOutcome.CampaignOpened or CouponOutcome.CampaignChanged))
            return;
        var id = record.Campaigns[command.Campaign];
        var campaign = record.StateOf(command.Campaign) ?? throw new LogRefusedException($"an event opens or changes campaign {id} and lacks its state");
        _campaigns[id] = new CampaignView(id, partition, campaign, command.Description.ToArray());
    }

    private void Advance(long mark, long commands, DecidedRecord? record)
    {
        List<Waiter>? waiters = null;
        lock (_gate)
        {
            Volatile.Write(ref _mark, mark);
            Volatile.Write(ref _commands, commands);
            while (_undecided.Count > 0 && _undecided.First() is var (offset, decided) && offset <= mark)
            {
                _undecided.Remove(offset);
                _undecidedCommands -= decided.Commands;
                _lag.Decided(decided.Commands, decided.AppendedAt);
            }

            // Whatever is left has been seen by now at the latest.
            _behindSince = time.GetTimestamp();

            if (record is not null)
                Remember(record);
            while (_waiters.Count > 0 && _waiters.First() is var (offset, waiting) && offset <= mark)
            {
                _waiters.Remove(offset);
                (waiters ??= []).AddRange(waiting);
                if (offset == mark && record is not null)
                    waiting.ForEach(w => w.Decision = w.Find(record));
            }
        }

        waiters?.ForEach(static w => w.Decided.TrySetResult(w.Decision));
    }

    private void Remember(DecidedRecord record)
    {
        _recent[record.Offset] = record;
        _recentOrder.Enqueue(record.Offset);
        _recentBytes += record.Bytes;
        while (_recentBytes > options.RecentBytesMax && _recentOrder.TryDequeue(out var oldest))
        {
            if (_recent.Remove(oldest, out var forgotten))
                _recentBytes -= forgotten.Bytes;
        }
    }

    private async Task PauseAsync(CancellationToken stop)
    {
        try
        {
            await Task.Delay(RetryPause, time, stop);
        }
        catch (OperationCanceledException)
        {
            // The caller's loop looks at the token.
        }
    }

    private readonly record struct Undecided(int Commands, long AppendedAt);

    private sealed class Waiter(Func<DecidedRecord, Decision?> find)
    {
        public Func<DecidedRecord, Decision?> Find { get; } = find;

        public Decision? Decision { get; set; }

        public TaskCompletionSource<Decision?> Decided { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>Is told what a follower sees; must not block.</summary>
public interface ICouponFollowerObserver
{
    /// <summary>The partition is known from now on.</summary>
    void Ready(int partition);

    /// <summary>An event has changed what the node knows.</summary>
    void Told(int partition, EventRecord told, DecidedRecord record);

    /// <summary>The log or the state did not answer, or was refused; tried again.</summary>
    void Faulted(int partition, Exception fault);
}
