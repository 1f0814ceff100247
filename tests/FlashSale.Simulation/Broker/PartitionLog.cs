using FlashSale.Core.Log;

namespace FlashSale.Simulation.Broker;

/// <summary>One partition as the cluster holds it.</summary>
internal sealed class PartitionLog(string topic, int partition)
{
    private readonly List<LogRecord> _records = [];
    private List<TaskCompletionSource> _waiting = [];
    private List<LogRecord>? _kept;

    public string Topic => topic;

    public int Partition => partition;

    public long Start { get; private set; }

    public long End => _records.Count;

    public bool IsCut => _kept is not null;

    /// <summary>How often the log has lost its end or has got it back: readers beyond that place notice (KIP-320).</summary>
    public int Epoch { get; private set; }

    public LogRecord this[long offset] => _records[(int)offset];

    public long Append(byte[] value, long timestampMs)
    {
        _records.Add(new LogRecord(End, value, timestampMs));
        Wake();
        return End - 1;
    }

    /// <summary>Loses the records from an offset on; others may take their places.</summary>
    public void CutEnd(long end)
    {
        _kept = [.. _records];
        _records.RemoveRange((int)end, _records.Count - (int)end);
        Epoch++;
        Wake();
    }

    /// <summary>Loses the records before an offset.</summary>
    public void CutStart(long start)
    {
        Start = start;
        Wake();
    }

    /// <summary>Brings back what was lost; yields the records that had taken the places.</summary>
    public IReadOnlyList<LogRecord> Restore(long cutAt)
    {
        Start = 0;
        if (_kept is null)
            return [];
        var dropped = _records[(int)cutAt..];
        _records.Clear();
        _records.AddRange(_kept);
        _kept = null;
        Epoch++;
        Wake();
        return dropped;
    }

    /// <summary>Ends when something has changed here.</summary>
    public Task ChangedAsync(CancellationToken cancel)
    {
        var changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Add(changed);
        return cancel.CanBeCanceled ? CancellableAsync(changed, cancel) : changed.Task;
    }

    private static async Task CancellableAsync(TaskCompletionSource changed, CancellationToken cancel)
    {
        await using var registration = cancel.UnsafeRegister(static (c, token) => ((TaskCompletionSource)c!).TrySetCanceled(token), changed);
        await changed.Task;
    }

    private void Wake()
    {
        var waiting = _waiting;
        _waiting = [];
        waiting.ForEach(static w => w.TrySetResult());
    }
}
