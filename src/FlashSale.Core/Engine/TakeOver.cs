using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>A record that was decided and not told, with what is needed to tell it.</summary>
/// <param name="Commands">Commands of the partition decided up to and with this record.</param>
internal readonly record struct Untold(CommandToApply Command, long Commands, byte[] Outcomes);

/// <summary>A partition that this process has taken over.</summary>
/// <param name="Expected">The last record applied; the next one is decided next.</param>
/// <param name="Commands">Commands decided up to <paramref name="Expected"/>.</param>
/// <param name="Told">How far outcomes have been told, <paramref name="Untold"/> included. Higher than expected while the state is to be rebuilt.</param>
/// <param name="Records">Reads on after <paramref name="Expected"/>.</param>
internal sealed record Owned(
    OwnerToken Token, RecordPosition Expected, long Commands, long Told, IReadOnlyList<Untold> Untold, CommandReader Records) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Records.DisposeAsync();
}

/// <summary>
/// Takes a partition over. The events are the commit: E, the highest command offset answered there, says how far outcomes
/// have been told; A, what the state store has applied, how far they have been decided. With A above E the difference is
/// told now; with A below E the store has lost writes, and the difference is applied again without being told.
/// </summary>
internal sealed class TakeOver(
    IMachine machine, int partition, LogId logId, ILog log, IStateStore store, EngineOptions options, IRandomIds ids)
{
    public async Task<Owned> RunAsync(CancellationToken stop)
    {
        var found = await OwnAsync(stop);
        var answered = await HighestAnsweredAsync(found.Told, stop);
        var bounds = await log.BoundsAsync(machine.Topics.Commands, partition, stop);
        CheckBounds(bounds, Math.Max(found.Applied.Offset, answered.Offset));

        if (answered.Offset > found.Applied.Offset)
            await CheckAnsweredAsync(answered, stop);

        // Reading begins at the lower of the two, so that the record there, and the other one on the way, can be compared.
        var records = CommandReader.Open(machine, log, partition, Math.Min(found.Applied.Offset, answered.Offset), options);
        try
        {
            records.Expect(found.Applied);
            if (answered.Record != default(RecordId))
                records.Expect(answered);
            var between = await records.ReadThroughAsync(Math.Min(found.Applied.Offset, answered.Offset) - 1, found.Applied.Offset, stop);
            between.RemoveAll(r => r.Offset <= answered.Offset);
            var outcomes = found.Recent;
            if (between.Exists(r => !found.Recent.ContainsKey(r.Offset)))
            {
                // One reader at a time: the model reads from the start of the log.
                await records.DisposeAsync();
                outcomes = await OutcomesOfModelAsync(answered.Offset, found.Applied.Offset, stop);
                records = CommandReader.Open(machine, log, partition, found.Applied.Offset + 1, options);
            }

            return new Owned(found.Token, found.Applied, found.Commands, Math.Max(answered.Offset, found.Applied.Offset),
                WithOutcomes(between, outcomes, found.Commands), records);
        }
        catch
        {
            await records.DisposeAsync();
            throw;
        }
    }

    private async Task<TakeOverResult> OwnAsync(CancellationToken stop)
    {
        var nonce = ids.Next();
        var found = await store.TakeOverAsync(partition, logId, nonce);
        switch (found.State)
        {
            case FenceState.Held:
                return found;
            case FenceState.Missing or FenceState.Torn:
                return await BeginRebuildAsync(nonce, stop);
            case FenceState.OtherLog:
                throw new LogRefusedException(
                    $"the state of partition {partition} belongs to another log than {logId}: the topic was recreated, or this is another cluster's Redis. "
                    + "Point both to the same installation, or remove the old state");
            default:
                throw new FencedException(found.State);
        }
    }

    /// <summary>Never "full stock": an empty state stands at the genesis record, and everything after that is applied again.</summary>
    private async Task<TakeOverResult> BeginRebuildAsync(ulong nonce, CancellationToken stop)
    {
        await using var reader = CommandReader.Open(machine, log, partition, 0, options);
        var genesis = await reader.ReadGenesisAsync(stop);
        if (genesis.Log != logId)
            throw new LogRefusedException($"partition {partition} begins with log {genesis.Log} where {logId} was expected: the topic was recreated while this process ran. Restart it");
        var token = new OwnerToken(1, nonce);
        var reset = await store.ResetAsync(partition, genesis, token);
        return reset == FenceState.Held
            ? new TakeOverResult(FenceState.Held, token, new RecordPosition(0, genesis.Id), 0, 0, new Dictionary<long, byte[]>())
            : throw new FencedException(reset);
    }

    /// <summary>
    /// E. Each record is told at least once and in order, so the first event that answers <paramref name="told"/> or more stands at event offset
    /// <paramref name="told"/> - 1 or later: read from there on, E is certain, however many repeats stand at the end. As a rule that is a few
    /// events more than there are repeats in the topic; where the state is lost it is all of them, and all commands are read again as well.
    /// </summary>
    /// <param name="told">What the state knows of it; the record there is not known.</param>
    private async Task<RecordPosition> HighestAnsweredAsync(long told, CancellationToken stop)
    {
        var bounds = await log.BoundsAsync(machine.Topics.Events, partition, stop);
        if (told > 0 && bounds.End == 0)
            throw new LogRefusedException($"partition {partition} of {machine.Topics.Events} is empty, but outcomes up to offset {told} were told: the topic was recreated. Restore it, or begin a new log (wipe all three: topics, state, ledger)");
        var answered = await EventTail.HighestAnsweredAsync(log, machine.Topics, partition, logId, bounds, told - 1, strict: true, stop);
        return answered.Offset >= told ? answered : new RecordPosition(told, default);
    }

    private void CheckBounds(LogBounds bounds, long known)
    {
        if (bounds.Start > 0)
            throw new LogRefusedException($"the start of partition {partition} of {machine.Topics.Commands} was deleted (first offset {bounds.Start}): the state cannot be rebuilt. Set its retention to unlimited and restore the log");
        if (bounds.End <= known)
            throw new LogRefusedException($"partition {partition} of {machine.Topics.Commands} ends at offset {bounds.End}, but {known} was decided before: acknowledged records are lost (unclean leader election, lost disk, or a recreated topic)");
    }

    /// <summary>
    /// What the state has lost is applied again only if the log still holds the record that was answered last: a log that has lost
    /// its end and was written to again has other records from there on, and the state must not meet one of them.
    /// </summary>
    private async Task CheckAnsweredAsync(RecordPosition answered, CancellationToken stop)
    {
        if (answered.Record == default(RecordId))
            return;
        await using var reader = CommandReader.Open(machine, log, partition, answered.Offset, options);
        reader.Expect(answered);
        await reader.ReadThroughAsync(answered.Offset - 1, answered.Offset, stop);
    }

    private static List<Untold> WithOutcomes(List<CommandToApply> records, IReadOnlyDictionary<long, byte[]> outcomes, long commandsApplied)
    {
        var commands = commandsApplied - records.Sum(r => (long)r.Info.Commands);
        var untold = new List<Untold>(records.Count);
        foreach (var record in records)
        {
            commands += record.Info.Commands;
            untold.Add(new Untold(record, commands, outcomes[record.Offset]));
        }

        return untold;
    }

    /// <summary>The outcomes after <paramref name="answered"/> by applying the log to the model: the store had not kept them.</summary>
    private async Task<IReadOnlyDictionary<long, byte[]>> OutcomesOfModelAsync(long answered, long applied, CancellationToken stop)
    {
        var outcomes = new Dictionary<long, byte[]>();
        var model = machine.NewModel();
        await using var records = CommandReader.Open(machine, log, partition, 1, options);
        for (var last = 0L; last < applied;)
        {
            var batch = await records.NextAsync(last, stop);
            foreach (var record in batch)
            {
                var outcome = model.Apply(record.Offset, record.Info, record.Value.Span);
                if (record.Offset > answered && record.Offset <= applied)
                    outcomes.Add(record.Offset, outcome);
                last = record.Offset;
            }
        }

        return outcomes;
    }
}
