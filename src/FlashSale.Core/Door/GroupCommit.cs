using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Door;

/// <summary>What became of a command handed to <see cref="GroupCommit"/>.</summary>
public enum AppendState
{
    /// <summary>The log has acknowledged it.</summary>
    Appended,

    /// <summary>Too many wait; it was not appended.</summary>
    Overloaded,

    /// <summary>The append failed or its result is unknown: the command may be decided nevertheless.</summary>
    LogUnavailable,
}

/// <summary>The result of an append.</summary>
/// <param name="Commands">How many commands the record carries.</param>
public readonly record struct AppendResult(AppendState State, long Offset, int Index, int Commands);

/// <summary>
/// Appends the commands of one partition in groups: while as many appends as allowed are in flight, further commands gather
/// in the next record, in order of arrival. After a quiet time a command is appended at once; under a storm appends keep a least
/// distance in time, and records grow by themselves. May be called by any thread.
/// </summary>
public sealed class GroupCommit(string topic, int partition, ILogAppender appender, IRandomIds ids, DoorOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Queue<Group> _gathered = [];
    private Group? _open;
    private long? _begunAt;
    private bool _pacing;
    private int _inFlight;
    private int _waiting;

    /// <summary>Commands that wait for their append.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Appends the command; ends when the log has acknowledged it, never before.</summary>
    /// <exception cref="ArgumentException">The command is not valid; nothing is appended.</exception>
    public async ValueTask<AppendResult> AppendAsync(CouponCommand command)
    {
        Group group;
        int index;
        Sending? sending;
        lock (_gate)
        {
            if (_waiting >= options.WaitingMax)
                return new AppendResult(AppendState.Overloaded, -1, -1, 0);
            group = Gather(command, out index);
            _waiting++;
            sending = BeginNext();
        }

        if (sending is not null)
            _ = FinishAsync(sending);
        var offset = await group.Appended;
        return offset < 0
            ? new AppendResult(AppendState.LogUnavailable, -1, -1, 0)
            : new AppendResult(AppendState.Appended, offset, index, group.Count);
    }

    private Group Gather(CouponCommand command, out int index)
    {
        if (_open is not null && _open.TryAdd(command, out index))
            return _open;
        var group = new Group();
        if (!group.TryAdd(command, out index))
            throw new InvalidOperationException("an empty record takes any command");
        _gathered.Enqueue(group);
        return _open = group;
    }

    /// <summary>Hands the next group to the appender, where one may be in flight. Under the gate, so that groups reach the log in the order in which they were gathered.</summary>
    private Sending? BeginNext()
    {
        if (_inFlight >= options.AppendsInFlightMax || _gathered.Count == 0 || MustWait())
            return null;
        var group = _gathered.Dequeue();
        _inFlight++;
        _begunAt = time.GetTimestamp();
        if (group == _open)
            _open = null;
        return new Sending(group, BeginAsync(group));
    }

    /// <summary>Whether the last append began too short a time ago; then the next one begins when that time is over.</summary>
    private bool MustWait()
    {
        if (_pacing)
            return true;
        if (_begunAt is not { } begunAt || options.AppendInterval - time.GetElapsedTime(begunAt) is var left && left <= TimeSpan.Zero)
            return false;
        _pacing = true;
        _ = PaceAsync(left);
        return true;
    }

    private async Task PaceAsync(TimeSpan left)
    {
        await Task.Delay(left, time);
        Sending? sending;
        lock (_gate)
        {
            _pacing = false;
            _begunAt = null;
            sending = BeginNext();
        }

        await FinishAsync(sending);
    }

    // Async for its exceptions only: they belong to this append, whoever happens to begin it.
    private async Task<long> BeginAsync(Group group) => await appender.AppendAsync(topic, partition, group.Build(new RecordId(ids.Next())));

    private async Task FinishAsync(Sending? sending)
    {
        // A loop and not a recursion: each end of an append starts the next one.
        while (sending is not null)
        {
            var offset = -1L;
            try
            {
                offset = await sending.Appending;
            }
            catch (Exception fault) when (fault is LogUnavailableException or ObjectDisposedException)
            {
                // Reported by the appender, or the client under it was closed meanwhile; those who wait are told that nobody knows.
            }

            var sent = sending.Group;
            lock (_gate)
            {
                _inFlight--;
                _waiting -= sent.Count;
                sending = BeginNext();
            }

            sent.Complete(offset);
        }
    }

    private sealed record Sending(Group Group, Task<long> Appending);

    /// <summary>The commands of one record to be, and those who wait for it.</summary>
    private sealed class Group
    {
        private readonly CouponRecordBuilder _builder = new();
        private readonly TaskCompletionSource<long> _appended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>The record's offset, or -1 where nobody knows.</summary>
        public Task<long> Appended => _appended.Task;

        public int Count => _builder.Count;

        public bool TryAdd(CouponCommand command, out int index) => _builder.TryAdd(command, out index);

        public byte[] Build(RecordId id) => _builder.Build(id);

        public void Complete(long offset) => _appended.TrySetResult(offset);
    }
}
