using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>
/// One partition of a machine for an engine whose loop is somebody else's: it hands some records over, they are decided before the
/// call ends, and the events that it yields are the loop's to append, in order and without leaving one out. The rules are those of
/// <see cref="MachinePartition"/>: fence, takeover, and on any doubt the partition is taken over anew.
/// </summary>
/// <remarks>
/// <para>No decision rests on where the loop stands in the log: a record that was decided before is dropped, and what the loop has skipped,
/// or has handed over while nothing could be decided, is read from the log by a reader of our own. That something was skipped shows with
/// the next record, after a takeover, or else when nothing was handed over for some time.</para>
/// <para>No call takes longer than the store's own deadline, <see cref="CatchUpMax"/>, <see cref="RoomWaitMax"/> and the acknowledgement of a dead
/// letter, so a partition in trouble hardly holds up another one of the same loop.</para>
/// <para>One call at a time; only <see cref="Told"/> and <see cref="Progress"/> are for any thread.</para>
/// </remarks>
public sealed class SequentialPartition(
    IMachine machine, int partition, LogId logId, ILog log, IStateStore store, Func<IGaplessAppender> appenders,
    EngineOptions options, TimeProvider time, IRandomIds ids, IEngineObserver observer) : IMachinePartition, IAsyncDisposable
{
    /// <summary>How long one call may read and apply what was skipped: the loop has other partitions to serve, and its place in the group to keep.</summary>
    private static readonly TimeSpan CatchUpMax = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a call waits for acknowledgements when too many events are without one; a broker answers within milliseconds, or is away.</summary>
    private static readonly TimeSpan RoomWaitMax = TimeSpan.FromMilliseconds(500);

    private readonly TakeOver _takeOver = new(machine, partition, logId, log, store, options, ids);
    private readonly OutputRecords _outputs = new(machine, partition, logId, time, ids, observer);
    private readonly FaultPolicy _faults = new(options);
    private readonly ProgressKeeper _progress = new(partition, observer);
    private readonly LogEnd _end = new(machine, partition, log, options, time);
    private TaskCompletionSource? _room;
    private CancellationTokenSource _owning = new();
    private Task<Owned>? _takingOver;
    private bool _isOwned;
    private OwnerToken _token;
    private RecordPosition _applied;
    private long _commands;

    /// <summary>Outcomes up to here have been told before, or are among those yielded.</summary>
    private long _tellAfter = -1;

    /// <summary>The last record handed over.</summary>
    private RecordPosition? _handed;

    private CommandPace _pace = new(options, time);
    private CommandReader? _reader;
    private Task<IReadOnlyList<CommandToApply>>? _reading;
    private long _toldAtFault = -1;

    /// <summary>When the fence was met last.</summary>
    private long _metAt;

    private long _pausedAt;
    private TimeSpan _pause;

    /// <inheritdoc/>
    public PartitionProgress Progress => _progress.Current;

    private long Known => Math.Max(_end.Seen, _tellAfter);

    private bool IsFull => _applied.Offset - Progress.Told >= options.UntoldRecordsMax;

    /// <summary>What was told before is applied again without being held back.</summary>
    private bool IsHeldBack => _applied.Offset >= _tellAfter && _pace.Left > TimeSpan.Zero;

    /// <summary>Takes the next records of the partition, at least one; yields the events to append now.</summary>
    public async Task<IReadOnlyList<byte[]>> DecideAsync(IReadOnlyList<LogRecord> records)
    {
        _end.See(records[^1].Offset);
        // Otherwise nothing says that the log before these records is still the one that was decided: the loop begins here, goes on behind a gap,
        // or has handed over another record in the place of the last one applied. The reader looks.
        var follows = _handed == _applied;
        _handed = null;
        var events = await StepAsync(follows ? records : []);
        _handed ??= new RecordPosition(records[^1].Offset, machine.Inspect(records[^1].Value.Span).Id);
        return events;
    }

    /// <summary>To be called every now and then: takes the partition over, and goes on with what could not be decided; yields the events to append now.</summary>
    public Task<IReadOnlyList<byte[]>> LookAsync() => StepAsync([]);

    /// <summary>The event that answers this record is acknowledged, and so are all before it.</summary>
    public void Told(long offset)
    {
        _progress.Update(p => offset > p.Told ? p with { Told = offset } : p);
        Interlocked.Exchange(ref _room, null)?.TrySetResult();
    }

    /// <summary>Gives the partition up. What was yielded and is not acknowledged by then is told by the next owner.</summary>
    public async ValueTask DisposeAsync()
    {
        await ReleaseAsync();
        _owning.Dispose();
        _progress.Update(PartitionProgress.Stopped(partition));
    }

    private async Task<IReadOnlyList<byte[]>> StepAsync(IReadOnlyList<LogRecord> given)
    {
        var events = new List<byte[]>();
        if (_pause > TimeSpan.Zero && time.GetElapsedTime(_pausedAt) < _pause)
            return events;
        try
        {
            if (!_isOwned && !await TryOwnAsync(events))
                return events;
            _end.Look(_owning.Token);
            if (_reader is null && given is [var first, ..] && first.Offset == _applied.Offset + 1)
                await DecideNowAsync(given, events);
            else if (_reader is not null || _applied.Offset < Known)
                await CatchUpAsync(events);
            // A batch without records changes nothing and meets the fence: a state that is lost in a quiet time is missed by nobody else.
            if (time.GetElapsedTime(_metAt) >= options.IdleCheck)
                await ApplyAsync([], []);
        }
        catch (Exception fault)
        {
            await GiveUpAsync(fault);
        }

        return events;
    }

    /// <summary>Takes the partition over, without waiting for it: whether it is ours by now.</summary>
    private async Task<bool> TryOwnAsync(List<byte[]> events)
    {
        if (_takingOver is null)
        {
            // The reason for which it was given up stays until it runs again: it is what an operator looks for.
            _progress.Report(PartitionState.TakingOver, Progress.Reason);
            _takingOver = _takeOver.RunAsync(_owning.Token);
        }

        if (!_takingOver.IsCompleted)
            return false;
        var taken = _takingOver;
        _takingOver = null;
        var owned = await taken;
        _reader = owned.Records;
        _pace = new CommandPace(options, time);
        _isOwned = true;
        _metAt = time.GetTimestamp();
        (_token, _applied, _commands, _tellAfter) = (owned.Token, owned.Expected, owned.Commands, owned.Told);
        _progress.Update(new PartitionProgress(partition, _applied.Offset < _tellAfter ? PartitionState.Rebuilding : PartitionState.Running, _applied.Offset,
            owned.Untold is [var first, ..] ? first.Command.Offset - 1 : owned.Told, owned.Told, owned.Commands, null));
        foreach (var untold in owned.Untold)
            await TellAsync(untold.Command, untold.Commands, untold.Outcomes, events);
        _end.Ask(_owning.Token);
        return true;
    }

    /// <summary>Decides what follows the last record applied. What is left over, by a limit or behind a gap, is read from the log later.</summary>
    private async Task DecideNowAsync(IReadOnlyList<LogRecord> records, List<byte[]> events)
    {
        var given = new CommandQueue(machine, partition, options);
        foreach (var record in records.TakeWhile((r, i) => r.Offset == records[0].Offset + i))
            given.Add(record);
        while (!given.IsEmpty)
        {
            if (IsHeldBack)
                return;
            // Events of this very call cannot be acknowledged before it ends.
            if (IsFull && (events.Count > 0 || !await WaitForRoomAsync()))
                return;
            await ApplyAsync(given.TakeBatch(_applied.Offset), events);
        }

        if (_applied.Offset == records[^1].Offset)
            _handed = _applied;
    }

    private async Task CatchUpAsync(List<byte[]> events)
    {
        var began = time.GetTimestamp();
        while (_applied.Offset < Known && !IsFull && !IsHeldBack)
        {
            _reading ??= _reader is null ? ReopenAsync(_owning.Token) : _reader.NextAsync(_applied.Offset, _owning.Token);
            if (!await EndsWithinAsync(_reading, CatchUpMax - time.GetElapsedTime(began)))
                return;
            var reading = _reading;
            _reading = null;
            await ApplyAsync(await reading, events);
        }

        // As long as it is not known how far the log goes, there may be more to read.
        if (_applied.Offset >= Known && !_end.IsAsked)
            await CloseReaderAsync();
    }

    /// <summary>Reads from the last record applied on, which must still stand there: a log that has lost its end may have been written to again.</summary>
    private async Task<IReadOnlyList<CommandToApply>> ReopenAsync(CancellationToken owning)
    {
        var reader = CommandReader.Open(machine, log, partition, _applied.Offset, options);
        _reader = reader;
        reader.Expect(_applied);
        await reader.ReadThroughAsync(_applied.Offset - 1, _applied.Offset, owning);
        return await reader.NextAsync(_applied.Offset, owning);
    }

    private async Task ApplyAsync(IReadOnlyList<CommandToApply> records, List<byte[]> events)
    {
        var result = await store.ApplyAsync(partition, new ApplyBatch(logId, _token, _applied, Progress.Told, records));
        if (result.State != FenceState.Held)
            throw new FencedException(result.State);
        _metAt = time.GetTimestamp();
        if (records.Count == 0)
            return;
        _end.Heard();
        var commandsBefore = _commands;
        for (var i = 0; i < records.Count; i++)
        {
            _commands += records[i].Info.Commands;
            if (records[i].Offset > _tellAfter)
                await TellAsync(records[i], _commands, result.Outcomes[i], events);
        }

        if (records[^1].Offset > _tellAfter)
            _pace.LetThrough((int)(_commands - commandsBefore));
        _applied = records[^1].Position;
        observer.Applied(partition, records.Count, (int)(_commands - commandsBefore));
        _progress.Advance(_applied.Offset, _commands);
    }

    private async Task TellAsync(CommandToApply command, long commands, byte[] outcomes, List<byte[]> events)
    {
        if (command.Info.State == CommandRecordState.Undecodable)
            await DeadLetterAsync(command);
        var told = _outputs.Event(command, commands, outcomes);
        events.Add(told);
        observer.Decided(partition, told);
    }

    private async Task DeadLetterAsync(CommandToApply command)
    {
        using var limit = new CancellationTokenSource(options.DrainTimeout, time);
        try
        {
            await _outputs.DeadLetterAsync(appenders(), command, limit.Token);
        }
        catch (OperationCanceledException e)
        {
            throw new LogUnavailableException($"the dead letter of {partition}:{command.Offset} is not acknowledged", e);
        }
    }

    private async Task<bool> WaitForRoomAsync()
    {
        using var limit = new CancellationTokenSource(RoomWaitMax, time);
        while (IsFull && !limit.IsCancellationRequested)
        {
            var room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _room, room);
            using var over = limit.Token.UnsafeRegister(static r => ((TaskCompletionSource)r!).TrySetResult(), room);
            // Else the acknowledgement that makes room may have come just before.
            if (IsFull)
                await room.Task;
        }

        return !IsFull;
    }

    private async Task GiveUpAsync(Exception fault)
    {
        await ReleaseAsync();
        _owning.Dispose();
        _owning = new CancellationTokenSource();
        (var state, var reason, _pause) = _faults.Of(fault, Progress.Told > _toldAtFault);
        _toldAtFault = Progress.Told;
        _pausedAt = time.GetTimestamp();
        _progress.Report(state, reason);
    }

    private async Task ReleaseAsync()
    {
        _owning.Cancel();
        _isOwned = false;
        // The log may lose what was seen.
        _end.Forget();
        await CloseReaderAsync();
        if (_takingOver is not { } taking)
            return;
        _takingOver = null;
        // It ends at once, as it is cancelled; its reader must be gone before the next owner of this process opens one.
        await EndsWithinAsync(DropAsync(taking), RoomWaitMax);
    }

    private static async Task DropAsync(Task<Owned> taking)
    {
        try
        {
            await using var owned = await taking;
        }
        catch (Exception)
        {
            // Nobody waits for it any more.
        }
    }

    private async Task CloseReaderAsync()
    {
        _reading = null;
        if (_reader is not { } reader)
            return;
        _reader = null;
        await reader.DisposeAsync();
    }

    private async Task<bool> EndsWithinAsync(Task task, TimeSpan limit)
    {
        if (task.IsCompleted || limit <= TimeSpan.Zero)
            return task.IsCompleted;
        using var ended = new CancellationTokenSource();
        await Task.WhenAny(task, DelayAsync(limit, ended.Token));
        ended.Cancel();
        return task.IsCompleted;
    }

    // The delay itself would leave the caller's scheduler under Task.WhenAny.
    private async Task DelayAsync(TimeSpan span, CancellationToken cancel) => await Task.Delay(span, time, cancel);
}
