using FlashSale.Core.Log;
using FlashSale.Simulation.Chaos;
using FlashSale.Simulation.Nodes;

namespace FlashSale.Simulation.Broker;

/// <summary>
/// One of a process's producers. The records of a partition reach the log in the order of the calls, or not at all. A gapless
/// one never leaves one out: what reaches the log is a prefix, and after the first failure every append fails.
/// </summary>
internal sealed class Producer(World world, Node node, bool gapless) : IGaplessAppender
{
    private static readonly TimeSpan AppendTimeout = TimeSpan.FromSeconds(5);

    private readonly Dictionary<(string Topic, int Partition), Line> _lines = [];

    public bool IsBroken { get; private set; }

    public Task<long> AppendAsync(string topic, int partition, ReadOnlyMemory<byte> value)
    {
        if (node.IsDead || node.CrashesAt(FaultKind.CrashBefore, $"append to {topic} [{partition}]"))
            return Node.Never<long>();
        if (IsBroken)
            return Task.FromException<long>(new LogUnavailableException("the producer has ended"));
        if (topic == MachineTopics.Coupon.Events)
            CheckIsNews(partition, value);
        if (!_lines.TryGetValue((topic, partition), out var line))
            _lines.Add((topic, partition), line = new Line(topic, partition));
        var sending = new Sending(value.ToArray(), node.Version == 1 ? value.ToArray() : VersionTwo.Write(value));
        line.Queue.Enqueue(sending);
        if (!line.IsSending)
        {
            line.IsSending = true;
            world.Domain.Start(() => SendAsync(line));
        }

        if (!gapless)
            world.Domain.Start(() => TimeOutAsync(sending));
        return AwaitAsync(sending.Told.Task);
    }

    public ValueTask DisposeAsync()
    {
        Break();
        return ValueTask.CompletedTask;
    }

    /// <summary>The process has died: of what is on its way a part may still arrive.</summary>
    public void Abandon()
    {
        foreach (var line in _lines.Values)
            line.Left = Math.Min(line.Left, world.Random.Below(line.Queue.Count + 1));
    }

    /// <summary>Repeats are dropped by whoever reads events; that is for crashes, and no reason to tell a whole log again at each takeover.</summary>
    private void CheckIsNews(int partition, ReadOnlyMemory<byte> value)
    {
        var answers = EventRecord.Decode(value).Answers.Offset;
        // Among repeats the last answer may be out of a new owner's sight.
        if (answers > node.ToldBefore[partition] || world.Faults.Has(FaultKind.EventsRepeated))
            return;
        var violation = new ViolationException("I3", $"{node.Name} tells {partition}:{answers} again, which was told before it took the partition over");
        world.Domain.Start(() => Task.FromException(violation));
    }

    // Not the source itself: what continues after an async method stays on its scheduler.
    private static async Task<long> AwaitAsync(Task<long> told) => await told;

    private async Task TimeOutAsync(Sending sending)
    {
        await world.Domain.DelayAsync(AppendTimeout);
        sending.Fail();
    }

    private async Task SendAsync(Line line)
    {
        while (line.Queue.TryPeek(out var sending))
        {
            if (world.Faults.Strikes(FaultKind.AppendLate))
            {
                Fail(sending);
                await world.Domain.DelayAsync(world.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(5)));
            }

            await world.Domain.DelayAsync(world.Faults.Latency());
            while (world.Log.IsAway)
                await world.Domain.DelayAsync(world.Log.AwayUntil - world.Scheduler.Now);
            line.Queue.Dequeue();
            if (line.Left == 0)
                continue;
            if (line.Left != int.MaxValue)
                line.Left--;
            if (world.Faults.Strikes(FaultKind.AppendLost))
            {
                world.Trace(node.Name, $"append to {line.Topic} [{line.Partition}] is lost");
                if (gapless)
                    line.Left = 0;
                Fail(sending);
                continue;
            }

            var offset = world.Log.Append(line.Topic, line.Partition, sending.Written);
            world.Trace(node.Name, $"appended {line.Topic} [{line.Partition}] {offset}");
            if (node.CrashesAt(FaultKind.CrashAfter, "append"))
                continue;
            if (world.Faults.Strikes(FaultKind.AppendUnknown))
                Fail(sending);
            else
                world.Domain.Start(() => AcknowledgeAsync(line, sending, offset));
        }

        line.IsSending = false;
    }

    private async Task AcknowledgeAsync(Line line, Sending sending, long offset)
    {
        await world.Domain.DelayAsync(world.Faults.Latency());
        if (IsBroken)
        {
            sending.Fail();
            return;
        }

        node.Loopback.Acknowledged(line.Topic, line.Partition, offset, sending.Value);
        sending.Told.TrySetResult(offset);
    }

    private void Fail(Sending sending)
    {
        if (gapless)
            Break();
        sending.Fail();
    }

    private void Break()
    {
        if (IsBroken)
            return;
        IsBroken = true;
        world.Trace(node.Name, "an engine's producer has ended");
        Abandon();
        foreach (var sending in _lines.Values.SelectMany(l => l.Queue))
            sending.Fail();
    }

    /// <summary>What a partition has been sent and has not got.</summary>
    private sealed class Line(string topic, int partition)
    {
        public string Topic => topic;

        public int Partition => partition;

        public Queue<Sending> Queue { get; } = [];

        public bool IsSending { get; set; }

        /// <summary>How many more records will reach the log.</summary>
        public int Left { get; set; } = int.MaxValue;
    }

    private sealed class Sending(byte[] value, byte[] written)
    {
        /// <summary>As the process has it.</summary>
        public byte[] Value => value;

        /// <summary>As the log gets it.</summary>
        public byte[] Written => written;

        public TaskCompletionSource<long> Told { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Fail()
        {
            if (Told.TrySetException(new LogUnavailableException("nobody knows whether it was appended")))
                _ = Told.Task.Exception;
        }
    }
}
