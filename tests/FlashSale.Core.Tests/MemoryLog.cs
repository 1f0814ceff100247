using FlashSale.Core.Log;

namespace FlashSale.Core.Tests;

/// <summary>A log in memory, with faults on demand.</summary>
internal sealed class MemoryLog : ILog
{
    private readonly Dictionary<(string Topic, int Partition), List<byte[]>> _partitions = [];
    private readonly List<Reader> _readers = [];

    /// <summary>Called when a record was added to any partition.</summary>
    public Action? Added { get; set; }

    /// <summary>First offset kept, for all partitions.</summary>
    public long Start { get; set; }

    /// <summary>While set, appends are kept waiting.</summary>
    public bool HoldAppends { get; set; }

    /// <summary>Appends that wait; completing one with false loses the record.</summary>
    public List<(string Topic, Action<bool> Complete)> Held { get; } = [];

    public int OpenReaders => _readers.Count;

    public List<byte[]> Records(string topic, int partition = 0)
    {
        if (!_partitions.TryGetValue((topic, partition), out var records))
            _partitions.Add((topic, partition), records = []);
        return records;
    }

    public long Add(string topic, byte[] record, int partition = 0)
    {
        Records(topic, partition).Add(record);
        foreach (var reader in _readers.ToList())
            reader.Wake();
        Added?.Invoke();
        return Records(topic, partition).Count - 1;
    }

    public ILogReader Read(string topic, int partition, long fromOffset)
    {
        Assert.DoesNotContain(_readers, r => r.Topic == topic && r.Partition == partition);
        var reader = new Reader(this, topic, partition, fromOffset);
        _readers.Add(reader);
        return reader;
    }

    public ValueTask<LogBounds> BoundsAsync(string topic, int partition, CancellationToken cancel) =>
        ValueTask.FromResult(new LogBounds(Start, Records(topic, partition).Count));

    public Appender NewAppender() => new(this);

    public sealed class Appender(MemoryLog log) : IGaplessAppender
    {
        public bool IsBroken { get; private set; }

        public Task<long> AppendAsync(string topic, int partition, ReadOnlyMemory<byte> value)
        {
            if (IsBroken)
                throw new LogUnavailableException("the appender is broken");
            if (!log.HoldAppends)
                return Task.FromResult(log.Add(topic, value.ToArray(), partition));
            var appended = new TaskCompletionSource<long>();
            log.Held.Add((topic, stored =>
            {
                if (stored && !IsBroken)
                {
                    appended.SetResult(log.Add(topic, value.ToArray(), partition));
                    return;
                }

                IsBroken = true;
                appended.SetException(new LogUnavailableException("not delivered"));
            }
            ));
            return appended.Task;
        }

        public ValueTask DisposeAsync()
        {
            IsBroken = true;
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Reader(MemoryLog log, string topic, int partition, long next) : ILogReader
    {
        private TaskCompletionSource? _waiting;
        private long _next = next;

        public string Topic => topic;

        public int Partition => partition;

        public async ValueTask<IReadOnlyList<LogRecord>> ReadAsync(int recordsMax, int bytesMax, CancellationToken cancel)
        {
            while (_next >= log.Records(topic, partition).Count)
            {
                _waiting = new TaskCompletionSource();
                await _waiting.Task.WaitAsync(cancel);
            }

            var records = log.Records(topic, partition).Skip((int)_next).Take(recordsMax)
                .Select((value, i) => new LogRecord(_next + i, value, 0)).ToList();
            _next += records.Count;
            return records;
        }

        public void Wake() => _waiting?.TrySetResult();

        public ValueTask DisposeAsync()
        {
            log._readers.Remove(this);
            return ValueTask.CompletedTask;
        }
    }
}
