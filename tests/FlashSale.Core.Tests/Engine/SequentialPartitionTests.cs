using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Engine;

/// <summary>The contract, kept by the partitions of an engine with a loop that hands over one record at a time.</summary>
public sealed class SequentialPartitionTests : EngineContract
{
    private protected override (IMachinePartition Partition, Task Running) StartEngine(EngineWorld world, CancellationToken stop)
    {
        var loop = new RecordLoop(world);
        return (loop, loop.RunAsync(stop));
    }

    /// <summary>What Streamiz does, in small: hands records over once and in order, appends the events, and begins anew after a failed append.</summary>
    private sealed class RecordLoop(EngineWorld world) : IMachinePartition
    {
        private SequentialPartition? _current;
        private TaskCompletionSource? _woken;
        private int _failedAppends;

        public PartitionProgress Progress => _current!.Progress;

        public async Task RunAsync(CancellationToken stop)
        {
            var pending = new List<Task>();
            var commands = world.Log.Records(CouponMachine.Instance.Topics.Commands);
            while (!stop.IsCancellationRequested)
            {
                var failedBefore = _failedAppends;
                _current = Open();
                for (var next = 0; !stop.IsCancellationRequested && _failedAppends == failedBefore;)
                {
                    // The place of the loop in the log means nothing to the partition: this one goes on behind a record each time.
                    var events = next < commands.Count ? _current.Decide(new LogRecord(next, commands[next++], 0)) : _current.Look();
                    var appender = world.Appenders();
                    foreach (var told in events)
                        pending.Add(AppendAsync(appender, told, _current));
                    if (next >= commands.Count && _failedAppends == failedBefore)
                        await IdleAsync(stop);
                }

                _current.Dispose();
            }

            await Task.WhenAny(Task.WhenAll(pending), Task.Delay(world.Options.DrainTimeout, world.Time, CancellationToken.None));
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
}
