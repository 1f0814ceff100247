using System.Runtime.CompilerServices;
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
/// <param name="Number">Estimated number of the command within its partition.</param>
public readonly record struct AppendResult(AppendState State, long Offset, int Index, long Number);

/// <summary>
/// A command that waits for its append: awaited once, it ends when the log has acknowledged it, never before. A structure of its own, as a
/// task for each command, beside that of its record, would cost more memory than the command.
/// </summary>
public readonly struct Appending
{
    private readonly CommandGroup? _group;
    private readonly int _index;

    internal Appending(CommandGroup? group, int index) => (_group, _index) = (group, index);

    public Awaiter GetAwaiter() => new(this);

    /// <summary>What <c>await</c> needs.</summary>
    public readonly struct Awaiter : ICriticalNotifyCompletion
    {
        private readonly Appending _appending;

        internal Awaiter(Appending appending) => _appending = appending;

        public bool IsCompleted => _appending._group?.Appended.IsCompleted ?? true;

        public AppendResult GetResult()
        {
            if (_appending._group is not { } group)
                return new AppendResult(AppendState.Overloaded, -1, -1, 0);
            var offset = group.Appended.GetAwaiter().GetResult();
            if (offset < 0)
                return new AppendResult(AppendState.LogUnavailable, -1, -1, 0);
            group.Answered(_appending._index);
            return new AppendResult(AppendState.Appended, offset, _appending._index, group.FirstNumber + _appending._index);
        }

        public void OnCompleted(Action continuation) => _appending._group!.Appended.GetAwaiter().OnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation) => _appending._group!.Appended.GetAwaiter().UnsafeOnCompleted(continuation);
    }
}

/// <summary>
/// Appends the commands of one partition in groups: while as many appends as allowed are in flight, further commands gather
/// in the next record, in order of arrival. After a quiet time a command is appended at once; under a storm appends keep a least
/// distance in time, and records grow by themselves. May be called by any thread.
/// </summary>
/// <param name="appended">Is told of each acknowledged record, its offset and its commands, before those who wait for it; yields the estimated number of its first command within the partition.</param>
public sealed class GroupCommit(
    string topic, int partition, ILogAppender appender, Func<long, int, long> appended, AppendPace pace, IRandomIds ids, DoorOptions options, TimeProvider time)
{
    /// <summary>What timers know: a shorter wait would end where it begins.</summary>
    private static readonly TimeSpan WaitMin = TimeSpan.FromMilliseconds(1);

    private readonly Lock _gate = new();
    private readonly Queue<CommandGroup> _gathered = [];
    private CommandGroup? _open;
    private long? _begunAt;
    private long _round;
    private int _lastBytes;
    private Stage _stage;
    private int _waits;
    private int _inFlight;
    private int _waiting;

    /// <summary>What the next record waits for.</summary>
    private enum Stage
    {
        /// <summary>Commands, or to be given a place in time.</summary>
        Unplaced,

        /// <summary>Its place in time.</summary>
        Pacing,

        /// <summary>More commands.</summary>
        Gathering,

        /// <summary>The end of an append that is in flight.</summary>
        Ready,
    }

    /// <summary>Commands that wait for their append.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Appends the command; ends when the log has acknowledged it, never before.</summary>
    /// <exception cref="ArgumentException">The command is not valid; nothing is appended.</exception>
    public Appending AppendAsync(CouponCommand command)
    {
        CommandGroup group;
        int index;
        Sending? sending;
        lock (_gate)
        {
            if (_waiting >= options.WaitingMax)
                return default;
            group = Gather(command, out index);
            _waiting++;
            sending = BeginNext();
        }

        if (sending is not null)
            _ = FinishAsync(sending);
        return new Appending(group, index);
    }

    private CommandGroup Gather(CouponCommand command, out int index)
    {
        if (_open is not null && _open.TryAdd(command, out index))
            return _open;
        var group = new CommandGroup(_lastBytes, pace);
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
        var now = time.GetTimestamp();
        group.Period = _begunAt is { } begunAt ? time.GetElapsedTime(begunAt, now) : TimeSpan.MaxValue;
        _begunAt = now;
        _lastBytes = group.Bytes;
        if (group == _open)
            _open = null;
        return new Sending(group, BeginAsync(group));
    }

    /// <summary>
    /// Whether the last append of the partition, or of others of this node, began too short a time ago, or more commands are worth waiting for; then the next one begins
    /// when that time is over or enough have come.
    /// </summary>
    private bool MustWait()
    {
        if (_stage == Stage.Pacing || _stage == Stage.Gathering && !HasEnough())
            return true;
        var since = _begunAt is { } begunAt ? time.GetElapsedTime(begunAt) : TimeSpan.MaxValue;
        if (_stage == Stage.Unplaced)
        {
            var left = options.AppendInterval - since;
            var place = pace.Take(ref _round);
            if (TryWait(Stage.Pacing, place > left ? place : left))
                return true;
        }

        if (!HasEnough() && TryWait(Stage.Gathering, pace.GatherMax() - since))
            return true;
        _stage = Stage.Unplaced;
        _waits++;
        return false;
    }

    private bool HasEnough() => _gathered.Count > 1 || _gathered.Peek().Count >= AppendPace.CommandsEnough;

    private bool TryWait(Stage stage, TimeSpan wait)
    {
        if (wait < WaitMin)
            return false;
        _stage = stage;
        _ = WaitAsync(wait, ++_waits);
        return true;
    }

    /// <param name="number">Of this wait: another one, or none, may have taken its place meanwhile.</param>
    private async Task WaitAsync(TimeSpan wait, int number)
    {
        await Task.Delay(wait, time);
        Sending? sending = null;
        lock (_gate)
        {
            if (number == _waits)
            {
                _stage = Stage.Ready;
                sending = BeginNext();
            }
        }

        await FinishAsync(sending);
    }

    // Async for its exceptions only: they belong to this append, whoever happens to begin it.
    private async Task<long> BeginAsync(CommandGroup group) => await appender.AppendAsync(topic, partition, group.Build(new RecordId(ids.Next())));

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

            if (offset >= 0)
                sent.FirstNumber = appended(offset, sent.Count);
            sent.Complete(offset, time.GetTimestamp());
        }
    }

    private sealed record Sending(CommandGroup Group, Task<long> Appending);
}

/// <summary>The commands of one record to be, and those who wait for it.</summary>
/// <param name="bytesExpected">Size of the record before it, which this one will hardly differ from.</param>
/// <param name="pace">Is told when half of those who wait are answered.</param>
internal sealed class CommandGroup(int bytesExpected, AppendPace pace)
{
    private readonly CouponRecordBuilder _builder = new(bytesExpected);
    private readonly TaskCompletionSource<long> _appended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _appendedAt;

    /// <summary>The record's offset, or -1 where nobody knows.</summary>
    public Task<long> Appended => _appended.Task;

    public int Count => _builder.Count;

    public int Bytes => _builder.Bytes;

    /// <summary>Estimated number of its first command within the partition; set before it is completed.</summary>
    public long FirstNumber { get; set; }

    /// <summary>Time between the beginnings of the append before and of this one.</summary>
    public TimeSpan Period { get; set; }

    public bool TryAdd(CouponCommand command, out int index) => _builder.TryAdd(command, out index);

    public byte[] Build(RecordId id) => _builder.Build(id);

    public void Complete(long offset, long at)
    {
        _appendedAt = at;
        _appended.TrySetResult(offset);
    }

    /// <summary>Who waited for the command at an index is told.</summary>
    public void Answered(int index)
    {
        if (index == Count / 2)
            pace.HalfAnswered(_appendedAt, Period);
    }
}
