using FlashSale.Core.Log;

namespace FlashSale.Core.Ledger;

/// <summary>
/// Writes the outcomes of one partition to the ledger, each once and in order. The mark kept in the database is the only
/// memory: after any doubt (a failure, an unknown commit, somebody else's write) it is read anew and reading goes on there.
/// While the database is away nothing is held back in memory; the log keeps it.
/// </summary>
/// <param name="log">The identity of the machine's log; a ledger or an event of another one is refused.</param>
public sealed class LedgerPartition(
    int partition, LogId log, MachineTopics topics, ILog source, ILedger ledger, LedgerOptions options, ILedgerObserver observer, TimeProvider time)
{
    // Several of the largest events (some 520 KB each), so that reading while catching up does not go record by record.
    private const int ReadBytesMax = 4 << 20;

    private readonly Outage _database = new(options.BackoffMin, options.BackoffMax);
    private readonly Outage _source = new(options.BackoffMin, options.BackoffMax);
    private readonly Outage _overtaken = new(options.BackoffMin, options.BackoffMax);
    private volatile LedgerProgress _progress = new(partition);

    // Of the last event gathered.
    private (long Commands, long ToldAtMs) _told;

    // The mark of a write whose end is unknown: the database is back only when the ledger has got beyond it.
    private LedgerMark? _doubtful;

    /// <summary>May be read from any thread.</summary>
    public LedgerProgress Progress => _progress;

    /// <summary>Runs until cancelled. Neither the database nor the log being away ends it.</summary>
    /// <exception cref="LogRefusedException">Log and ledger do not fit, and going on would write something wrong.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var codes = new CampaignCodes(partition);
        var builder = new LedgerBatchBuilder(partition, options.EveryRefusal, codes);
        try
        {
            while (true)
                await AttemptAsync(builder, cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            _progress = _progress with { State = LedgerPartitionState.Stopped, Detail = null };
        }
        catch (Exception e)
        {
            _progress = _progress with { State = LedgerPartitionState.Refused, Detail = e.Message };
            throw;
        }
    }

    private async Task AttemptAsync(LedgerBatchBuilder builder, CancellationToken cancel)
    {
        TimeSpan pause;
        try
        {
            await FollowAsync(await ReadMarkAsync(cancel), builder, cancel);
            pause = _overtaken.Fail();
            _progress = _progress with { Overtaken = _progress.Overtaken + 1 };
        }
        catch (LedgerUnavailableException e)
        {
            pause = DatabaseFailed(e);
        }
        catch (LogUnavailableException e)
        {
            pause = LogFailed(e);
        }

        await Task.Delay(pause, time, cancel);
    }

    private async Task<LedgerMark> ReadMarkAsync(CancellationToken cancel)
    {
        await ledger.MigrateAsync(cancel);
        var mark = await ledger.ReadMarkAsync(partition, cancel) ?? new LedgerMark(log, default, 0);
        if (mark.Log != log)
            throw new LogRefusedException(
                $"the ledger of partition {partition} was written from log {mark.Log}, the topics hold log {log}: they were created anew, or this is another cluster's database; configure the right one or an empty one");
        if (_doubtful is null || mark.Written.Offset > _doubtful.Written.Offset)
            DatabaseWorks();
        _progress = _progress with { State = StateNow(), Written = mark.Written, EventOffset = mark.EventOffset };
        return mark;
    }

    /// <summary>Writes on from a mark; ends when somebody else has moved it.</summary>
    private async Task FollowAsync(LedgerMark mark, LedgerBatchBuilder builder, CancellationToken cancel)
    {
        await CheckBoundsAsync(mark, cancel);
        await using var reader = source.Read(topics.Events, partition, mark.EventOffset);
        while (true)
        {
            var records = await reader.ReadAsync(options.RecordsMax, ReadBytesMax, cancel);
            LogWorks();
            var bytes = 0L;
            var reached = mark;
            foreach (var record in records)
            {
                bytes += record.Value.Length;
                reached = Gather(builder, reached, record);
                if (builder.Rows < options.RowsMax && record.Offset != records[^1].Offset)
                    continue;
                if (builder.Records > 0 && !await WriteAsync(builder.Take(mark, reached), cancel))
                    return;
                mark = reached;
            }

            // A full read means that more is there.
            if (records.Count < options.RecordsMax && bytes < ReadBytesMax / 2)
                await Task.Delay(options.GatherTime, time, cancel);
        }
    }

    /// <summary>Adds an event to the batch unless it is a repeat; yields the mark after it.</summary>
    private LedgerMark Gather(LedgerBatchBuilder builder, LedgerMark mark, LogRecord record)
    {
        var told = EventRecord.Decode(record.Value);
        if (told.Log != log)
            throw new LogRefusedException($"{topics.Events} partition {partition} offset {record.Offset} answers log {told.Log}, the topics hold log {log}: somebody else writes to it");
        if (told.Answers.Offset > mark.Written.Offset + 1)
            throw new LogRefusedException(
                $"{topics.Events} partition {partition} offset {record.Offset} answers command offset {told.Answers.Offset}, but the one after {mark.Written.Offset} is due: events were lost");
        if (told.Answers.Offset == mark.Written.Offset && mark.Written.Offset > 0 && told.Answers.Record != mark.Written.Record)
            throw new LogRefusedException(
                $"{topics.Events} partition {partition} offset {record.Offset} answers record {told.Answers}, but the ledger has written {mark.Written}: the log lost records and took new ones in their place");

        var next = mark with { EventOffset = record.Offset + 1 };
        if (told.Answers.Offset <= mark.Written.Offset)
        {
            _progress = _progress with { Repeats = _progress.Repeats + 1, EventOffset = next.EventOffset };
            return next;
        }

        builder.Add(told);
        _told = (told.Commands, told.ToldAtMs);
        return next with { Written = told.Answers };
    }

    private async Task<bool> WriteAsync(LedgerBatch batch, CancellationToken cancel)
    {
        _doubtful = batch.Before;
        if (!await ledger.WriteAsync(batch, cancel))
        {
            DatabaseWorks();
            return false;
        }

        DatabaseWorks();
        _overtaken.End();
        _progress = _progress with
        {
            Written = batch.After.Written,
            EventOffset = batch.After.EventOffset,
            Commands = _told.Commands,
            ToldAtMs = _told.ToldAtMs,
            Coupons = _progress.Coupons + batch.Coupons.Count,
            Refusals = _progress.Refusals + batch.RefusalCounts.Sum(c => c.Count),
            Records = _progress.Records + batch.After.Written.Offset - batch.Before.Written.Offset,
            Batches = _progress.Batches + 1,
        };
        return true;
    }

    private async Task CheckBoundsAsync(LedgerMark mark, CancellationToken cancel)
    {
        var bounds = await source.BoundsAsync(topics.Events, partition, cancel);
        if (bounds.End < mark.EventOffset)
            throw new LogRefusedException(
                $"{topics.Events} partition {partition} ends at {bounds.End}, but the ledger has read up to {mark.EventOffset}: events were lost (unclean election, disk lost)");
        if (bounds.Start > mark.EventOffset)
            throw new LogRefusedException(
                $"{topics.Events} partition {partition} begins at {bounds.Start}, but the ledger needs it from {mark.EventOffset}: events were deleted; its retention must be unlimited");
        // Where something is there to be read, only reading it shows that the log is back.
        if (bounds.End == mark.EventOffset)
            LogWorks();
    }

    private TimeSpan DatabaseFailed(LedgerUnavailableException error)
    {
        var pause = _database.Fail();
        _progress = _progress with { State = StateNow(), Detail = error.Message, DatabaseFailures = _progress.DatabaseFailures + 1 };
        if (_database.Failures == 1)
            observer.DatabaseAway(partition, error);
        return pause;
    }

    private void DatabaseWorks()
    {
        _doubtful = null;
        if (_database.End() is var failures and > 0)
        {
            _progress = _progress with { State = StateNow(), Detail = null };
            observer.DatabaseBack(partition, failures);
        }
    }

    private TimeSpan LogFailed(LogUnavailableException error)
    {
        var pause = _source.Fail();
        _progress = _progress with { State = StateNow(), Detail = error.Message, LogFailures = _progress.LogFailures + 1 };
        if (_source.Failures == 1)
            observer.LogAway(partition, error);
        return pause;
    }

    private void LogWorks()
    {
        if (_source.End() is var failures and > 0)
        {
            _progress = _progress with { State = StateNow(), Detail = null };
            observer.LogBack(partition, failures);
        }
    }

    private LedgerPartitionState StateNow() =>
        _database.Failures > 0 ? LedgerPartitionState.DatabaseAway
        : _source.Failures > 0 ? LedgerPartitionState.LogAway
        : LedgerPartitionState.Running;
}
