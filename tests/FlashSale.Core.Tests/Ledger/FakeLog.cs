using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Ledger;

/// <summary>One event partition in memory. A read that waits is continued within <see cref="Append"/>.</summary>
internal sealed class FakeLog : ILog
{
    private readonly List<byte[]> _records = [];
    private TaskCompletionSource? _waiting;

    public bool IsAway { get; set; }

    /// <summary>The first offset kept.</summary>
    public long Start { get; set; }

    public List<long> ReadsFrom { get; } = [];

    public int OpenReaders { get; private set; }

    public int Reads { get; private set; }

    public void Append(params byte[][] records)
    {
        _records.AddRange(records);
        Wake();
    }

    public void Truncate(int end) => _records.RemoveRange(end, _records.Count - end);

    /// <summary>Lets a waiting read end, with a failure if the log is away.</summary>
    public void Wake()
    {
        var waiting = _waiting;
        _waiting = null;
        waiting?.SetResult();
    }

    public ILogReader Read(string topic, int partition, long fromOffset)
    {
        Assert.Equal("coupon-events", topic);
        Assert.Equal(0, OpenReaders);
        ReadsFrom.Add(fromOffset);
        OpenReaders++;
        return new Reader(this, fromOffset);
    }

    public ValueTask<LogBounds> BoundsAsync(string topic, int partition, CancellationToken cancel)
    {
        ThrowIfAway();
        return ValueTask.FromResult(new LogBounds(Start, _records.Count));
    }

    private void ThrowIfAway()
    {
        if (IsAway)
            throw new LogUnavailableException("no broker");
    }

    private sealed class Reader(FakeLog log, long offset) : ILogReader
    {
        private long _offset = offset;

        public async ValueTask<IReadOnlyList<LogRecord>> ReadAsync(int recordsMax, int bytesMax, CancellationToken cancel)
        {
            while (true)
            {
                cancel.ThrowIfCancellationRequested();
                log.ThrowIfAway();
                if (_offset < log._records.Count)
                    break;
                log._waiting = new TaskCompletionSource();
                await using (cancel.Register(log.Wake))
                    await log._waiting.Task;
            }

            log.Reads++;
            var records = log._records.Skip((int)_offset).Take(recordsMax).Select((value, i) => new LogRecord(_offset + i, value, 0)).ToList();
            _offset += records.Count;
            return records;
        }

        public ValueTask DisposeAsync()
        {
            log.OpenReaders--;
            return ValueTask.CompletedTask;
        }
    }
}
