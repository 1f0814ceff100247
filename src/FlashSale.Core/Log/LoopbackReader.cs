namespace FlashSale.Core.Log;

/// <summary>
/// Reads a partition to which, as a rule, this process alone appends. As long as its records follow one another, they are taken as they are
/// acknowledged, and the log is not read. Where the next one is not among them, or nothing has come for a while, the log is read from there on,
/// up to where this process's records go on.
/// </summary>
/// <param name="open">Reads the log from an offset on.</param>
/// <param name="closed">Is told when this reader has been closed.</param>
internal sealed class LoopbackReader(Func<long, ILogReader> open, long from, TimeProvider time, Action<LoopbackReader> closed) : ILogReader
{
    /// <summary>How long nothing may come before the log is read: others may have appended, as after the partition has moved to another process.</summary>
    internal static readonly TimeSpan QuietMax = TimeSpan.FromMilliseconds(200);

    /// <summary>Bytes of records that may wait here. What comes beyond that is read from the log.</summary>
    internal const long WaitingBytesMax = 4 << 20;

    private readonly Lock _gate = new();
    private readonly PriorityQueue<LogRecord, long> _waiting = new();
    private long _waitingBytes;
    private long _next = from;
    private long _lastOwn = -1;

    /// <summary>Ends the reader's waiting: with true where there is something to look at.</summary>
    private TaskCompletionSource<bool>? _news;

    /// <summary>Reads the log; none while this process's records are followed.</summary>
    private Fetching? _fetching;
    private bool _isFollowing;

    public async ValueTask<IReadOnlyList<LogRecord>> ReadAsync(int recordsMax, int bytesMax, CancellationToken cancel)
    {
        while (true)
        {
            // Set before anything is looked at: what comes later ends the waiting for it.
            var news = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            var own = Dequeue(recordsMax, bytesMax, news);
            if (own.Count > 0)
            {
                await FollowAsync();
                return own;
            }

            if (_isFollowing)
            {
                _isFollowing = await IsNewsAsync(news, QuietMax, cancel);
                continue;
            }

            _fetching ??= new Fetching(open(_next), Wake);
            _fetching.Ask(recordsMax, bytesMax);
            if (_fetching.IsAnswered)
            {
                var records = await _fetching.AnswerAsync();
                if (Advance(records[^1].Offset + 1))
                    await FollowAsync();
                return records;
            }

            await IsNewsAsync(news, Timeout.InfiniteTimeSpan, cancel);
        }
    }

    /// <summary>A record of this process is in the log.</summary>
    public void Take(LogRecord record)
    {
        TaskCompletionSource<bool>? news;
        lock (_gate)
        {
            _lastOwn = Math.Max(_lastOwn, record.Offset);
            if (record.Offset < _next || _waitingBytes + record.Value.Length > WaitingBytesMax)
                return;
            _waiting.Enqueue(record, record.Offset);
            _waitingBytes += record.Value.Length;
            news = record.Offset == _next ? _news : null;
        }

        news?.TrySetResult(true);
    }

    public async ValueTask DisposeAsync()
    {
        closed(this);
        await CloseLogAsync();
    }

    private void Wake()
    {
        TaskCompletionSource<bool>? news;
        lock (_gate)
            news = _news;
        news?.TrySetResult(true);
    }

    /// <summary>This process's records from the next one on, up to the bounds, or none.</summary>
    private List<LogRecord> Dequeue(int recordsMax, int bytesMax, TaskCompletionSource<bool> news)
    {
        var records = new List<LogRecord>();
        var bytes = 0;
        lock (_gate)
        {
            _news = news;
            while (records.Count < recordsMax && bytes < bytesMax && _waiting.TryPeek(out var record, out var offset) && offset <= _next)
            {
                _waiting.Dequeue();
                _waitingBytes -= record.Value.Length;
                if (offset < _next)
                    continue;
                records.Add(record);
                bytes += record.Value.Length;
                _next = offset + 1;
            }
        }

        return records;
    }

    /// <summary>The log has been read up to an offset: whether the record before it is this process's last.</summary>
    private bool Advance(long next)
    {
        lock (_gate)
        {
            _next = next;
            return _lastOwn == next - 1;
        }
    }

    private ValueTask FollowAsync()
    {
        _isFollowing = true;
        return CloseLogAsync();
    }

    private async ValueTask CloseLogAsync()
    {
        if (_fetching is not { } fetching)
            return;
        _fetching = null;
        await fetching.DisposeAsync();
    }

    private async Task<bool> IsNewsAsync(TaskCompletionSource<bool> news, TimeSpan quietMax, CancellationToken cancel)
    {
        await using var quiet = time.CreateTimer(static n => ((TaskCompletionSource<bool>)n!).TrySetResult(false), news, quietMax, Timeout.InfiniteTimeSpan);
        await using var cancelled = cancel.UnsafeRegister(static (n, token) => ((TaskCompletionSource<bool>)n!).TrySetCanceled(token), news);
        return await news.Task;
    }

    /// <summary>A reader of the log that is asked ahead, so that its answer is one of two things to wait for.</summary>
    private sealed class Fetching(ILogReader reader, Action answered) : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private Task<IReadOnlyList<LogRecord>>? _asked;

        public bool IsAnswered => _asked is { IsCompleted: true };

        /// <summary>Asks the log, unless its answer is still waited for.</summary>
        public void Ask(int recordsMax, int bytesMax)
        {
            if (_asked is not null)
                return;
            _asked = reader.ReadAsync(recordsMax, bytesMax, _stop.Token).AsTask();
            _ = TellAsync(_asked);
        }

        /// <summary>The answer, or why there is none; to be asked for once it is there.</summary>
        public Task<IReadOnlyList<LogRecord>> AnswerAsync()
        {
            var asked = _asked!;
            _asked = null;
            return asked;
        }

        public async ValueTask DisposeAsync()
        {
            // What is asked for is not awaited: nobody wants it any more.
            _stop.Cancel();
            await reader.DisposeAsync();
            _stop.Dispose();
        }

        private async Task TellAsync(Task asked)
        {
            try
            {
                await asked;
            }
            catch (Exception)
            {
                // Met by whoever takes the answer.
            }

            answered();
        }
    }
}
