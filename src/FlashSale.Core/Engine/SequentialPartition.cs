using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>
/// One partition of a machine for an engine whose loop is somebody else's: it hands records over one at a time, each is decided
/// before the call returns, and the events that are returned are its to append, in order and without leaving one out. The rules
/// are those of <see cref="MachinePartition"/>: fence, takeover, and on any doubt the partition is taken over anew.
/// </summary>
/// <remarks>
/// <para>A record that was decided before is dropped; records that the loop has skipped, or has handed over while nothing could be
/// decided, are read from the log by a reader of our own: no decision rests on where the loop stands. It must only not begin behind a
/// record that is not told, as one that is skipped is noticed with the next one. So no
/// call waits for longer than the store's own deadline and <see cref="CatchUpMax"/>, and a partition in trouble holds up no other
/// one of the same loop.</para>
/// <para>Called by one thread; only <see cref="Told"/> and <see cref="Progress"/> are for any.</para>
/// </remarks>
public sealed class SequentialPartition(
    IMachine machine, int partition, LogId logId, ILog log, IStateStore store, Func<IGaplessAppender> appenders,
    EngineOptions options, TimeProvider time, IRandomIds ids, IEngineObserver observer) : IMachinePartition, IDisposable
{
    /// <summary>How long one call may read and apply what was skipped: the loop has other partitions to serve, and its place in the group to keep.</summary>
    private static readonly TimeSpan CatchUpMax = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a call waits for acknowledgements when too many events are without one; a broker answers within milliseconds, or is away.</summary>
    private static readonly TimeSpan RoomWaitMax = TimeSpan.FromMilliseconds(500);

    private readonly TakeOver _takeOver = new(machine, partition, logId, log, store, options, ids);
    private readonly OutputRecords _outputs = new(machine, partition, logId, time, ids, observer);
    private readonly FaultPolicy _faults = new(options);
    private readonly ProgressKeeper _progress = new(partition, observer);
    private readonly object _acknowledged = new();
    private CancellationTokenSource _owning = new();
    private Task<Owned>? _takingOver;
    private bool _isOwned;
    private OwnerToken _token;
    private RecordPosition _applied;
    private long _commands;

    /// <summary>Outcomes up to here have been told before, or are among those returned.</summary>
    private long _tellAfter = -1;

    /// <summary>The last record handed over.</summary>
    private long _seen = -1;

    private CommandReader? _reader;
    private Task<IReadOnlyList<CommandToApply>>? _reading;
    private long _toldAtFault = -1;
    private long _pausedAt;
    private TimeSpan _pause;

    /// <inheritdoc/>
    public PartitionProgress Progress => _progress.Current;

    private long Known => Math.Max(_seen, _tellAfter);

    private bool IsFull => _applied.Offset - Progress.Told >= options.UntoldRecordsMax;

    /// <summary>Takes the next record of the partition; yields the events to append now.</summary>
    public IReadOnlyList<byte[]> Decide(LogRecord record)
    {
        _seen = Math.Max(_seen, record.Offset);
        return Step(record);
    }

    /// <summary>To be called every now and then: takes the partition over, and goes on with what could not be decided; yields the events to append now.</summary>
    public IReadOnlyList<byte[]> Look() => Step(null);

    /// <summary>The event that answers this record is acknowledged, and so are all before it.</summary>
    public void Told(long offset)
    {
        _progress.Update(p => offset > p.Told ? p with { Told = offset } : p);
        lock (_acknowledged)
            Monitor.Pulse(_acknowledged);
    }

    /// <summary>Gives the partition up. What is returned and not acknowledged by then is told by the next owner.</summary>
    public void Dispose()
    {
        Release();
        _owning.Dispose();
        _progress.Update(PartitionProgress.Stopped(partition));
    }

    private List<byte[]> Step(LogRecord? given)
    {
        var events = new List<byte[]>();
        if (_pause > TimeSpan.Zero && time.GetElapsedTime(_pausedAt) < _pause)
            return events;
        try
        {
            if (!_isOwned && !TryOwn(events))
                return events;
            if (_reader is null && given is { } record && record.Offset == _applied.Offset + 1)
                DecideNow(record, events);
            else if (_reader is not null || _applied.Offset < Known)
                CatchUp(events);
        }
        catch (Exception fault)
        {
            GiveUp(fault);
        }

        return events;
    }

    /// <summary>Takes the partition over, without waiting for it: whether it is ours by now.</summary>
    private bool TryOwn(List<byte[]> events)
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
        var owned = taken.GetAwaiter().GetResult();
        _reader = owned.Records;
        _isOwned = true;
        (_token, _applied, _commands, _tellAfter) = (owned.Token, owned.Expected, owned.Commands, owned.Told);
        _progress.Update(new PartitionProgress(partition, _applied.Offset < _tellAfter ? PartitionState.Rebuilding : PartitionState.Running, _applied.Offset,
            owned.Untold is [var first, ..] ? first.Command.Offset - 1 : owned.Told, owned.Told, owned.Commands, null));
        foreach (var untold in owned.Untold)
            Tell(untold.Command, untold.Commands, untold.Outcomes, events);
        if (_applied.Offset >= Known)
            CloseReader();
        return true;
    }

    private void DecideNow(LogRecord record, List<byte[]> events)
    {
        // Events of this very call cannot be acknowledged before it returns.
        if (!IsFull || (events.Count == 0 && WaitForRoom()))
            Apply([CommandReader.LookOver(machine, partition, record, _applied.Offset)], events);
    }

    private void CatchUp(List<byte[]> events)
    {
        var began = time.GetTimestamp();
        while (_applied.Offset < Known && !IsFull)
        {
            _reader ??= CommandReader.Open(machine, log, partition, _applied.Offset + 1, options);
            _reading ??= _reader.NextAsync(_applied.Offset, _owning.Token);
            var left = CatchUpMax - time.GetElapsedTime(began);
            if (!_reading.IsCompleted && (left <= TimeSpan.Zero || Task.WaitAny([_reading], left) < 0))
                return;
            var records = _reading.GetAwaiter().GetResult();
            _reading = null;
            Apply(records, events);
        }

        if (_applied.Offset >= Known)
            CloseReader();
    }

    private void Apply(IReadOnlyList<CommandToApply> records, List<byte[]> events)
    {
        var result = store.ApplyAsync(partition, new ApplyBatch(logId, _token, _applied, Progress.Told, records)).GetAwaiter().GetResult();
        if (result.State != FenceState.Held)
            throw new FencedException(result.State);
        var commandsBefore = _commands;
        for (var i = 0; i < records.Count; i++)
        {
            _commands += records[i].Info.Commands;
            if (records[i].Offset > _tellAfter)
                Tell(records[i], _commands, result.Outcomes[i], events);
        }

        _applied = records[^1].Position;
        observer.Applied(partition, records.Count, (int)(_commands - commandsBefore));
        _progress.Advance(_applied.Offset, _commands);
    }

    private void Tell(CommandToApply command, long commands, byte[] outcomes, List<byte[]> events)
    {
        if (command.Info.State == CommandRecordState.Undecodable)
            DeadLetter(command);
        events.Add(_outputs.Event(command, commands, outcomes));
    }

    private void DeadLetter(CommandToApply command)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_owning.Token);
        limit.CancelAfter(options.DrainTimeout);
        try
        {
            _outputs.DeadLetterAsync(appenders(), command, limit.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException e)
        {
            throw new LogUnavailableException($"the dead letter of {partition}:{command.Offset} is not acknowledged", e);
        }
    }

    private bool WaitForRoom()
    {
        lock (_acknowledged)
        {
            while (IsFull)
            {
                if (!Monitor.Wait(_acknowledged, RoomWaitMax))
                    return false;
            }
        }

        return true;
    }

    private void GiveUp(Exception fault)
    {
        Release();
        _owning.Dispose();
        _owning = new CancellationTokenSource();
        (var state, var reason, _pause) = _faults.Of(fault, Progress.Told > _toldAtFault);
        _toldAtFault = Progress.Told;
        _pausedAt = time.GetTimestamp();
        _progress.Report(state, reason);
    }

    private void Release()
    {
        _owning.Cancel();
        _isOwned = false;
        CloseReader();
        if (_takingOver is not { } taking)
            return;
        _takingOver = null;
        // It ends at once, as it is cancelled; its reader must be gone before the next owner of this process opens one.
        Task.WaitAny([taking], RoomWaitMax);
        _ = taking.ContinueWith(static t => t.Result.DisposeAsync().AsTask(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
    }

    private void CloseReader()
    {
        _reading = null;
        if (_reader is not { } reader)
            return;
        _reader = null;
        reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
