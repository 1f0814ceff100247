namespace FlashSale.Core.Log;

/// <summary>
/// Hands what this process has appended, once the log has acknowledged it, to the readers of this process: they need not fetch what has
/// just left it. A reader still gets all records in the order of the log; those of others it reads from the log.
/// </summary>
public sealed class Loopback(TimeProvider time)
{
    private readonly TimeProvider _time = time;
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Topic, int Partition), LoopbackReader[]> _readers = [];

    /// <summary>A record of this process is in the log. For any thread, also out of order; does not block.</summary>
    /// <param name="offset">Below zero where the brokers have not told it: the record is then read from the log.</param>
    /// <param name="value">Must not be changed any more.</param>
    public void Acknowledged(string topic, int partition, long offset, ReadOnlyMemory<byte> value)
    {
        LoopbackReader[]? readers;
        lock (_gate)
        {
            if (offset < 0 || !_readers.TryGetValue((topic, partition), out readers))
                return;
        }

        var record = new LogRecord(offset, value, _time.GetUtcNow().ToUnixTimeMilliseconds());
        foreach (var reader in readers)
            reader.Take(record);
    }

    /// <summary>A log whose readers get this process's records from here.</summary>
    public ILog Over(ILog log) => new LoopbackLog(this, log);

    private void Change(string topic, int partition, Func<LoopbackReader[], LoopbackReader[]> change)
    {
        lock (_gate)
            _readers[(topic, partition)] = change(_readers.GetValueOrDefault((topic, partition)) ?? []);
    }

    private sealed class LoopbackLog(Loopback loopback, ILog log) : ILog
    {
        public ILogReader Read(string topic, int partition, long fromOffset)
        {
            var reader = new LoopbackReader(from => log.Read(topic, partition, from), fromOffset, loopback._time, closed => loopback.Change(topic, partition, readers => [.. readers.Where(r => r != closed)]));
            loopback.Change(topic, partition, readers => [.. readers, reader]);
            return reader;
        }

        public ValueTask<LogBounds> BoundsAsync(string topic, int partition, CancellationToken cancel) => log.BoundsAsync(topic, partition, cancel);
    }
}
