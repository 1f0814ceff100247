using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Simulation.Broker;

namespace FlashSale.Simulation.Nodes;

/// <summary>
/// What Streamiz does for a partition, in small: hands over some records at a time, begins at the end of the log or anywhere before it, looks
/// every now and then, appends the events, and after a failed append begins anew with another producer.
/// </summary>
/// <param name="open">Makes what decides the records.</param>
internal sealed class StreamLoop(World world, Node node, LogClient log, Func<Producer> appenders, Func<SequentialPartition> open, int partition)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(1);

    /// <summary>How long a broker may take to tell where the log ends.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(5);

    private const int RecordsMax = 10;

    private readonly List<Task> _appending = [];
    private ILogReader? _reader;
    private SequentialPartition? _current;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            _current = open();
            await RunAsync(_current, appenders(), stop);
            // What was handed out is told before the partition is given back, within a bound.
            await Task.WhenAny(Task.WhenAll(_appending), node.Domain.DelayAsync(world.Options.Engine.DrainTimeout));
            _appending.Clear();
            await _current.DisposeAsync();
            if (!stop.IsCancellationRequested)
                await node.Domain.DelayAsync(RestartPause);
        }
    }

    private async Task RunAsync(SequentialPartition current, Producer producer, CancellationToken stop)
    {
        using var left = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task<IReadOnlyList<LogRecord>>? reading = null;
        try
        {
            while (!stop.IsCancellationRequested && !producer.IsBroken)
            {
                reading ??= NextAsync(left.Token);
                if (await Task.WhenAny(reading, node.Domain.DelayAsync(LookInterval)) != reading)
                {
                    Append(producer, await current.LookAsync());
                    continue;
                }

                var read = await reading;
                reading = null;
                for (var from = 0; from < read.Count;)
                {
                    var given = read.Skip(from).Take(1 + world.Random.Below(RecordsMax)).ToList();
                    from += given.Count;
                    Append(producer, await current.DecideAsync(given));
                }
            }
        }
        catch (LogUnavailableException fault)
        {
            world.Trace(node.Name, $"stream {partition}: {fault.Message}");
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The caller looks at the token.
        }

        left.Cancel();
        await LeaveAsync(reading);
    }

    private async Task<IReadOnlyList<LogRecord>> NextAsync(CancellationToken left)
    {
        _reader ??= await BeginAsync(left);
        return await _reader.ReadAsync(RecordsMax, 1 << 20, left);
    }

    /// <summary>
    /// No offset is committed, so it is the end, at any time after the partition was taken over: where its broker does not answer at once, that is
    /// long after it has been decided from. A rewind does no harm.
    /// </summary>
    private async Task<ILogReader> BeginAsync(CancellationToken left)
    {
        world.Log.Silent.Add((node, partition));
        await node.Domain.DelayAsync(world.Random.Between(TimeSpan.Zero, world.Random.Chance(0.3) ? SilenceMax : TimeSpan.FromMilliseconds(200)));
        world.Log.Silent.Remove((node, partition));
        var bounds = await log.BoundsAsync(MachineTopics.Coupon.Commands, partition, left);
        var from = world.Random.Chance(0.7) ? bounds.End : bounds.Start + world.Random.Below((int)(bounds.End - bounds.Start) + 1);
        return log.Read(MachineTopics.Coupon.Commands, partition, from);
    }

    private async Task LeaveAsync(Task? reading)
    {
        try
        {
            await (reading ?? Task.CompletedTask);
        }
        catch (Exception e) when (e is LogUnavailableException or OperationCanceledException)
        {
            // Nobody waits for it any more.
        }

        if (_reader is not null)
            await _reader.DisposeAsync();
        _reader = null;
    }

    private void Append(Producer producer, IReadOnlyList<byte[]> events)
    {
        foreach (var told in events)
            _appending.Add(AppendAsync(producer, told));
        _appending.RemoveAll(static a => a.IsCompleted);
    }

    private async Task AppendAsync(Producer producer, byte[] told)
    {
        try
        {
            await producer.AppendAsync(MachineTopics.Coupon.Events, partition, told);
            _current!.Told(EventRecord.Decode(told).Answers.Offset);
        }
        catch (LogUnavailableException)
        {
            // The producer is broken: the loop looks at it.
        }
    }
}
