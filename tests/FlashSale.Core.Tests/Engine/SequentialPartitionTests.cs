using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Engine;

/// <summary>The contract, kept by the partitions of an engine whose loop hands records over one at a time.</summary>
public sealed class SequentialPartitionTests : EngineContract
{
    private protected override (IMachinePartition Partition, Task Running) StartEngine(EngineWorld world, CancellationToken stop)
    {
        // The place of the loop in the log means nothing to the partition: this one goes on behind a record each time.
        var loop = new RecordLoop(world, static _ => 0, handsOver: static (_, _) => true);
        return (loop, loop.RunAsync(stop));
    }
}

/// <summary>The contract, kept where the loop hands over as many records as there are, up to five.</summary>
public sealed class GatheringLoopTests : EngineContract
{
    private protected override (IMachinePartition Partition, Task Running) StartEngine(EngineWorld world, CancellationToken stop)
    {
        var loop = new RecordLoop(world, static _ => 0, handsOver: static (_, _) => true, together: 5);
        return (loop, loop.RunAsync(stop));
    }
}

/// <summary>The contract, kept although the loop begins at the end of the log and leaves out every other record, as long as another one follows; also between two that it hands over together.</summary>
public sealed class SkippingLoopTests : EngineContract
{
    private protected override (IMachinePartition Partition, Task Running) StartEngine(EngineWorld world, CancellationToken stop)
    {
        var loop = new RecordLoop(world, static end => end, handsOver: static (offset, last) => offset % 2 == 0 || offset == last, together: 2);
        return (loop, loop.RunAsync(stop));
    }
}

/// <summary>What Streamiz does, in small: hands records over in order, appends the events, and begins anew after a failed append.</summary>
/// <param name="begin">Where it begins, by the offset after the log's last record.</param>
/// <param name="handsOver">Which records it does not leave out, by their offset and that of the last one.</param>
/// <param name="together">So many at a time, at most.</param>
internal sealed class RecordLoop(EngineWorld world, Func<int, int> begin, Func<int, int, bool> handsOver, int together = 1) : IMachinePartition
{
    /// <summary>Calls in a row before the loop takes it that nothing goes on by itself.</summary>
    private const int LooksBeforeIdle = 20;

    private SequentialPartition? _current;
    private TaskCompletionSource? _woken;
    private int _failedAppends;

    public PartitionProgress Progress => _current!.Progress;

    public async Task RunAsync(CancellationToken stop)
    {
        var pending = new List<Task>();
        while (!stop.IsCancellationRequested)
        {
            _current = Open();
            await RunAsync(_current, pending, stop);
            await _current.DisposeAsync();
        }

        await Task.WhenAny(Task.WhenAll(pending), Task.Delay(world.Options.DrainTimeout, world.Time, CancellationToken.None));
    }

    private async Task RunAsync(SequentialPartition partition, List<Task> pending, CancellationToken stop)
    {
        var commands = world.Log.Records(CouponMachine.Instance.Topics.Commands);
        var failedBefore = _failedAppends;
        var looks = 0;
        for (var next = begin(commands.Count); !stop.IsCancellationRequested && _failedAppends == failedBefore;)
        {
            var given = new List<LogRecord>();
            for (; next < commands.Count && given.Count < together; next++)
            {
                if (handsOver(next, commands.Count - 1))
                    given.Add(new LogRecord(next, commands[next], 0));
            }

            var events = await (given.Count > 0 ? partition.DecideAsync(given) : partition.LookAsync());
            var appender = world.Appenders();
            foreach (var told in events)
                pending.Add(AppendAsync(appender, told, partition));
            looks = events.Count > 0 || next < commands.Count ? 0 : looks + 1;
            if (looks < LooksBeforeIdle)
                await Task.Yield();
            else if (_failedAppends == failedBefore)
                await IdleAsync(stop);
        }
    }

    private SequentialPartition Open() => new(
        CouponMachine.Instance, 0, world.LogId, world.Log, world.Store, world.Appenders, world.Options, world.Time, world.Ids, world.Observer);

    private async Task AppendAsync(MemoryLog.Appender appender, byte[] told, SequentialPartition partition)
    {
        try
        {
            await appender.AppendAsync(CouponMachine.Instance.Topics.Events, 0, told);
            partition.Told(EventRecord.Decode(told).Answers.Offset);
        }
        catch (LogUnavailableException)
        {
            _failedAppends++;
            _woken?.TrySetResult();
        }
    }

    /// <summary>Waits until there is something to do, or time goes on.</summary>
    private async Task IdleAsync(CancellationToken stop)
    {
        var woken = new TaskCompletionSource();
        _woken = woken;
        void Wake() => woken.TrySetResult();
        world.Log.Added += Wake;
        using (stop.Register(Wake))
        await using (world.Time.CreateTimer(_ => Wake(), null, TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan))
            await woken.Task;
        world.Log.Added -= Wake;
    }
}
