namespace FlashSale.Core.Log;

/// <summary>The log as readers see it. Adapters only translate: they neither retry nor decide.</summary>
public interface ILog
{
    /// <summary>Reads a partition from an offset on. One reader per topic and partition at a time.</summary>
    ILogReader Read(string topic, int partition, long fromOffset);

    /// <summary>What the partition holds now. <see cref="LogBounds.End"/> counts acknowledged records only.</summary>
    /// <exception cref="LogUnavailableException">The broker did not answer.</exception>
    ValueTask<LogBounds> BoundsAsync(string topic, int partition, CancellationToken cancel);
}

/// <summary>Reads one partition in order.</summary>
public interface ILogReader : IAsyncDisposable
{
    /// <summary>Waits for at least one record, then returns what is there without waiting, up to the bounds (always at least one record).</summary>
    /// <exception cref="LogUnavailableException">The offset asked for is not there, or the reader broke.</exception>
    ValueTask<IReadOnlyList<LogRecord>> ReadAsync(int recordsMax, int bytesMax, CancellationToken cancel);
}

/// <summary>Appends records. Order of calls is the order in the partition.</summary>
public interface ILogAppender
{
    /// <summary>Ends with the record's offset, once every in-sync replica has it.</summary>
    /// <exception cref="LogUnavailableException">It failed, or nobody knows: the record may be in the log.</exception>
    Task<long> AppendAsync(string topic, int partition, ReadOnlyMemory<byte> value);
}

/// <summary>
/// An appender that never leaves a gap: once an append has failed, every later one of it fails too, so that the records
/// of a partition are a prefix of what was handed over. Whoever sees a failure takes a new one from the factory.
/// </summary>
public interface IGaplessAppender : ILogAppender, IAsyncDisposable
{
    /// <summary>Whether an append has failed: of no use any more.</summary>
    bool IsBroken { get; }
}

/// <summary>The log did not answer, or its answer is unknown. May pass.</summary>
public sealed class LogUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
