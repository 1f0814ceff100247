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
    EngineOptions options, TimeProvider time, IRandomIds ids, IEngineObserver observer)
{
    private readonly TakeOver _takeOver = new(machine, partition, logId, log, store, options, ids);
    private PartitionProgress _progress = PartitionProgress.Stopped(partition);

    /// <summary>Where the partition stands; may be read by any thread.</summary>
    public PartitionProgress Progress => Volatile.Read(ref _progress);

    /// <summary>Runs until <paramref name="stop"/>; then tells what is decided, within <see cref="EngineOptions.DrainTimeout"/>, and ends. Throws nothing.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var backoff = options.BackoffMin;
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
            catch (FencedException fenced) when (fenced.State == FenceState.TakenOver)
            {
                Report(PartitionState.Waiting, "another process has taken the partition over");
                pause = options.FencedBackoff;
            }
            catch (LogRefusedException refused)
            {
                Report(PartitionState.Refused, refused.Message);
                pause = options.RefusedBackoff;
            }
            catch (Exception fault)
            {
                // Whoever got further than last time starts again with the short pause.
                backoff = Progress.Told > toldBefore ? options.BackoffMin : Min(backoff * 2, options.BackoffMax);
                Report(PartitionState.Waiting, fault is FencedException or LogUnavailableException or StoreUnavailableException
                    ? fault.Message
                    : $"unexpected: {fault}");
                pause = backoff;
            }

            await PauseAsync(pause, stop);
        }

        Update(PartitionProgress.Stopped(partition));
    }

    private async Task OwnAsync(CancellationToken stop)
    {
        // The reason for which it was given up stays until it runs again: it is what an operator looks for.
        Report(PartitionState.TakingOver, Progress.Reason);
        var appender = appenders();
        await using var owned = await _takeOver.RunAsync(stop);
        await TellRecentAsync(owned, appender, stop);

        Update(new PartitionProgress(partition, owned.Expected.Offset < owned.Told ? PartitionState.Rebuilding : PartitionState.Running,
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
            await DeadLetterAsync(appender, untold.Command, stop);
            await appender.AppendAsync(machine.Topics.Events, partition, Event(untold.Command, untold.Commands, untold.Outcomes)).WaitAsync(stop);
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
                await DeadLetterAsync(appender, records[i], abandon);
                var appending = appender.AppendAsync(machine.Topics.Events, partition, Event(records[i], commands, result.Outcomes[i]));
                await telling.WriteAsync(new Telling(records[i].Offset, appending), abandon);
            }

            if (records.Count == 0)
                continue;
            observer.Applied(partition, records.Count, (int)(commands - commandsBefore));
            Advance(records[^1].Offset, commands);
        }

        telling.Complete();
    }

    private async Task AcknowledgeAsync(ChannelReader<Telling> telling, CancellationToken abandon)
    {
        while (await NextAsync(telling, abandon) is var (offset, appending))
        {
            await appending.WaitAsync(abandon);
            Update(p => p with { Told = offset });
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

    private async Task DeadLetterAsync(IGaplessAppender appender, CommandToApply command, CancellationToken cancel)
    {
        if (command.Info.State != CommandRecordState.Undecodable)
            return;
        var letter = new DeadLetterRecord(new RecordId(ids.Next()), logId, partition, command.Offset, "undecodable", command.Value);
        await appender.AppendAsync(machine.Topics.DeadLetters, partition, letter.Encode()).WaitAsync(cancel);
        observer.DeadLettered(new RecordAddress(partition, command.Offset, 0));
    }

    private byte[] Event(CommandToApply command, long commands, byte[] outcomes) =>
        new EventRecord(new RecordId(ids.Next()), logId, command.Position, commands, time.GetUtcNow().ToUnixTimeMilliseconds(),
            command.Info.State == CommandRecordState.Readable ? command.Value : default, outcomes).Encode();

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

    private void Advance(long applied, long commands) => Update(p => p with
    {
        Applied = applied,
        Commands = commands,
        State = p.State == PartitionState.Rebuilding && applied < p.RebuildTo ? PartitionState.Rebuilding : PartitionState.Running,
    });

    private void Report(PartitionState state, string? reason) => Update(Progress with { Partition = partition, State = state, Reason = reason });

    private void Update(Func<PartitionProgress, PartitionProgress> change)
    {
        // Tell and acknowledge both move the progress.
        PartitionProgress before, after;
        do
        {
            before = Progress;
            after = change(before);
        }
        while (Interlocked.CompareExchange(ref _progress, after, before) != before);

        if (after.State != before.State || after.Reason != before.Reason)
            observer.Changed(after);
    }

    private void Update(PartitionProgress progress) => Update(_ => progress);

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

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private sealed record Submitted(IReadOnlyList<CommandToApply> Records, Task<ApplyResult> Applying);

    private sealed record Telling(long Offset, Task<long> Appending);
}

/// <summary>The fence has found something else than expected; nothing was applied.</summary>
internal sealed class FencedException(FenceState state) : Exception($"the state store refused a batch: {state}")
{
    public FenceState State { get; } = state;
}
