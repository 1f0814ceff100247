using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>Goes through a partition up to the end that it had when the audit began.</summary>
internal sealed class TopicCursor(ILog log, string topic, int partition, long end) : IAsyncDisposable
{
    private const int ReadRecordsMax = 1_000;
    private const int ReadBytesMax = 2 << 20;

    // A reader waits for ever; what is to be read here is there already.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);

    private ILogReader? _reader;
    private IReadOnlyList<LogRecord> _read = [];
    private int _at;
    private long _next;

    /// <summary>The record at hand; null at the end. Valid after <see cref="FillAsync"/>.</summary>
    public LogRecord? Current => _at < _read.Count ? _read[_at] : null;

    /// <summary>Whether <see cref="FillAsync"/> has to be awaited before <see cref="Current"/>.</summary>
    public bool IsToBeFilled => _at == _read.Count && _next < end;

    public void Advance() => _next = _read[_at++].Offset + 1;

    public async ValueTask FillAsync(CancellationToken cancel)
    {
        while (IsToBeFilled)
        {
            _reader ??= log.Read(topic, partition, _next);
            try
            {
                _read = await _reader.ReadAsync(ReadRecordsMax, ReadBytesMax, cancel).AsTask().WaitAsync(SilenceMax, cancel);
            }
            catch (TimeoutException e)
            {
                throw new LogUnavailableException($"{topic} [{partition}] gives nothing from offset {_next} on for {SilenceMax.TotalSeconds} s, though it ends at {end}", e);
            }

            _at = 0;
            CutAtEnd();
        }
    }

    public ValueTask DisposeAsync() => _reader?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void CutAtEnd()
    {
        if (_read.Count == 0 || _read[^1].Offset < end)
            return;
        _read = [.. _read.TakeWhile(r => r.Offset < end)];
        if (_read.Count == 0)
            _next = end;
    }
}
