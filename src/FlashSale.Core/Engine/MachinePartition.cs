using System.Threading.Channels;
using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>
/// Runs one partition of a machine while the group assigns it to this process: takes it over, decides its commands in order,
/// tells the outcomes, and on any doubt stops and takes it over anew. Nothing here starts a thread, reads a clock that is not
/// handed in, or depends on how long anything takes.
/// </summary>
/// <remarks>
/// Three flows, joined by bounded channels, keep several batches in flight without reordering: submit (reads records, sends
/// batches to the store in order), tell (awaits the answers in that order, appends events), acknowledge (awaits those
/// appends in that order, moves told). The fence makes the order safe: a batch applies only right after the one before it.
/// </remarks>
public sealed class MachinePartition(
    IMachine machine, int partition, LogId logId, ILog log, IStateStore store, Func<IGaplessAppender> appenders,
    EngineOptions options, TimeProvider time, IRandomIds ids, IEngineObserver observer) : IMachinePartition
{
    private readonly TakeOver _takeOver = new(machine, partition, logId, log, store, options, ids);
    private readonly OutputRecords _outputs = new(machine, partition, logId, time, ids, observer);
    private readonly FaultPolicy _faults = new(options);
    private readonly ProgressKeeper _progress = new(partition, observer);

    /// <inheritdoc/>
    public PartitionProgress Progress => _progress.Current;

    /// <summary>Runs until <paramref name="stop"/>; then tells what is decided, within <see cref="EngineOptions.DrainTimeout"/>, and ends. Throws nothing.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var toldBefore = Progress.Told;
            var pause = TimeSpan.Zero;
            try
            {
                await OwnAsync(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception fault)
            {
                (var state, var reason, pause) = _faults.Of(fault, Progress.Told > toldBefore);
                _progress.Report(state, reason);
            }

            await PauseAsync(pause, stop);
        }

        _progress.Update(PartitionProgress.Stopped(partition));
    }

    private async Task OwnAsync(CancellationToken stop)
    {
        // The reason for which it was given up stays until it runs again: it is what an operator looks for.
        _progress.Report(PartitionState.TakingOver, Progress.Reason);
        var appender = appenders();
        await using var owned = await _takeOver.RunAsync(stop);
        await TellRecentAsync(owned, appender, stop);

        _progress.Update(new PartitionProgress(partition, owned.Expected.Offset < owned.Told ? PartitionState.Rebuilding : PartitionState.Running,
            owned.Expected.Offset, owned.Told, owned.Told, owned.Commands, null));
        using var abandon = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(stop, abandon.Token);
        using var drain = stop.Register(() => abandon.CancelAfter(options.DrainTimeout));

        var submitted = Channel.CreateBounded<Submitted>(options.BatchesInFlightMax - 1);
        var telling = Channel.CreateBounded<Telling>(options.UntoldRecordsMax);
        await FirstFaultAsync(abandon,
            SubmitAsync(owned, submitted.Writer, reading.Token, abandon.Token),
            TellAsync(owned, appender, submitted.Reader, telling.Writer, abandon.Token),
            AcknowledgeAsync(telling.Reader, abandon.Token));
        stop.ThrowIfCancellationRequested();
    }

    /// <summary>Tells what the previous owner has decided and not told.</summary>
    private async Task TellRecentAsync(Owned owned, IGaplessAppender appender, CancellationToken stop)
    {
        foreach (var untold in owned.Untold)
        {
            await _outputs.DeadLetterAsync(appender, untold.Command, stop);
            await appender.AppendAsync(machine.Topics.Events, partition, _outputs.Event(untold.Command, untold.Commands, untold.Outcomes)).WaitAsync(stop);
        }
    }

    private async Task SubmitAsync(Owned owned, ChannelWriter<Submitted> submitted, CancellationToken reading, CancellationToken abandon)
    {
        Task<IReadOnlyList<CommandToApply>>? next = null;
        try
        {
            var expected = owned.Expected;
            var pace = new CommandPace(options, time);
            var idle = IdleAsync(reading);
            // Room first, then records: what arrives while there is no room makes the next batch larger.
            while (await submitted.WaitToWriteAsync(abandon))
            {
                next ??= owned.Records.NextAsync(expected.Offset, reading);
                IReadOnlyList<CommandToApply> records = [];
                if (next.IsCompleted || await Task.WhenAny(next, idle) == next)
                {
                    records = await next;
                    next = null;
                    if (records[^1].Offset > owned.Told)
                        await pace.WaitAsync(records.Sum(r => r.Info.Commands), reading);
                }
                else
                {
                    // A batch without records changes nothing and meets the fence: a state that is lost in a quiet time is missed by
                    // nobody else, and front doors that start without it would let no command through that could meet the fence.
                    await idle;
                    idle = IdleAsync(reading);
                }

                var batch = new ApplyBatch(logId, owned.Token, expected, Progress.Told, records);
                submitted.TryWrite(new Submitted(records, store.ApplyAsync(partition, batch)));
                if (records.Count > 0)
                    expected = records[^1].Position;
            }
        }
        catch (OperationCanceledException) when (!abandon.IsCancellationRequested)
        {
            // Asked to stop: what is submitted is still told.
        }
        finally
        {
            submitted.Complete();
        }
    }

    // The delay itself would leave the caller's scheduler under Task.WhenAny.
    private async Task IdleAsync(CancellationToken reading) => await Task.Delay(options.IdleCheck, time, reading);

    private async Task TellAsync(
        Owned owned, IGaplessAppender appender, ChannelReader<Submitted> submitted, ChannelWriter<Telling> telling, CancellationToken abandon)
    {
        var commands = owned.Commands;
        while (await NextAsync(submitted, abandon) is var (records, applying))
        {
            var result = await applying;
            if (result.State != FenceState.Held)
                throw new FencedException(result.State);
            var commandsBefore = commands;
            for (var i = 0; i < records.Count; i++)
            {
                commands += records[i].Info.Commands;
                if (records[i].Offset <= owned.Told)
                    continue;
                await _outputs.DeadLetterAsync(appender, records[i], abandon);
                var told = _outputs.Event(records[i], commands, result.Outcomes[i]);
                var appending = appender.AppendAsync(machine.Topics.Events, partition, told);
                observer.Decided(partition, told);
                await telling.WriteAsync(new Telling(records[i].Offset, appending), abandon);
            }

            if (records.Count == 0)
                continue;
            observer.Applied(partition, records.Count, (int)(commands - commandsBefore));
            _progress.Advance(records[^1].Offset, commands);
        }

        telling.Complete();
    }

    private async Task AcknowledgeAsync(ChannelReader<Telling> telling, CancellationToken abandon)
    {
        while (await NextAsync(telling, abandon) is var (offset, appending))
        {
            await appending.WaitAsync(abandon);
            _progress.Update(p => p with { Told = offset });
        }
    }

    /// <summary>The next one, or null at the end. (ReadAllAsync would leave the caller's scheduler, and with it a simulation.)</summary>
    private static async ValueTask<T?> NextAsync<T>(ChannelReader<T> channel, CancellationToken abandon) where T : class
    {
        while (await channel.WaitToReadAsync(abandon))
        {
            if (channel.TryRead(out var next))
                return next;
        }

        return null;
    }

    /// <summary>Waits for all flows; the first that fails ends the others, and its fault is the one that counts.</summary>
    private static async Task FirstFaultAsync(CancellationTokenSource abandon, params Task[] flows)
    {
        Exception? fault = null;
        for (var left = flows.ToList(); left.Count > 0;)
        {
            var ended = await Task.WhenAny(left);
            left.Remove(ended);
            if (ended.IsCompletedSuccessfully || fault is not null)
                continue;
            fault = ended.Exception?.InnerException ?? new OperationCanceledException();
            abandon.Cancel();
        }

        if (fault is not null)
            throw fault;
    }

    private async Task PauseAsync(TimeSpan pause, CancellationToken stop)
    {
        try
        {
            if (pause > TimeSpan.Zero)
                await Task.Delay(pause, time, stop);
        }
        catch (OperationCanceledException)
        {
            // The caller's loop looks at the token.
        }
    }

    private sealed record Submitted(IReadOnlyList<CommandToApply> Records, Task<ApplyResult> Applying);

    private sealed record Telling(long Offset, Task<long> Appending);
}

/// <summary>The fence has found something else than expected; nothing was applied.</summary>
internal sealed class FencedException(FenceState state) : Exception($"the state store refused a batch: {state}")
{
    public FenceState State { get; } = state;
}
