using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using Streamiz.Kafka.Net.Processors.Public;

namespace FlashSale.Streams;

/// <summary>
/// Decides the records of one partition as its task gets them, those of one poll together, and forwards their events. What was decided
/// and could not be forwarded yet, and what is to be decided without a new record, is looked after by a punctuator: nothing may be forwarded
/// elsewhere. The thread waits for each call, as it may forward and go on only then.
/// </summary>
internal sealed class CommandProcessor(Func<int, SequentialPartition>? open, HandedOver handedOver, int gatherMax, TimeProvider time) : ITransformer<byte[], byte[], int, byte[]>
{
    /// <summary>The least that Streamiz allows is 10 ms. It bounds how soon a partition is taken over and goes on after a pause.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);

    private readonly List<LogRecord> _gathered = [];
    private ProcessorContext<int, byte[]>? _context;
    private SequentialPartition? _partition;

    /// <summary>Streamiz makes one without arguments, to learn the type; it is never run.</summary>
    public CommandProcessor()
        : this(null, new HandedOver(0), 1, TimeProvider.System)
    {
    }

    public void Init(ProcessorContext<int, byte[]> context)
    {
        _context = context;
        _partition = open!(context.Id.Partition);
        context.Schedule(LookInterval, PunctuationType.PROCESSING_TIME, _ => Look());
    }

    public Record<int, byte[]>? Process(Record<byte[], byte[]> record)
    {
        // A null value is a record that cannot be read, as any other garbage.
        var given = new LogRecord(record.TopicPartitionOffset.Offset.Value, record.Value ?? [], record.Timestamp.UnixTimestampMs);
        _gathered.Add(given);
        if (_gathered.Count >= gatherMax || !handedOver.GoesOnAfter(_context!.Id.Partition, given.Offset))
            Decide();
        return null;
    }

    /// <summary>Called twice for a task that is given back: when it is suspended, and when it is closed.</summary>
    public void Close()
    {
        _partition?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _partition = null;
        // The next owner reads them from the log.
        _gathered.Clear();
    }

    private void Decide()
    {
        Forward(_partition!.DecideAsync(_gathered).GetAwaiter().GetResult());
        _gathered.Clear();
    }

    private void Look()
    {
        if (_gathered.Count > 0)
            Decide();
        else if (_partition is { } partition)
            Forward(partition.LookAsync().GetAwaiter().GetResult());
    }

    private void Forward(IReadOnlyList<byte[]> events)
    {
        if (events.Count == 0)
            return;
        // Else those of the command record, or of the one before, would go with the event.
        _context!.SetHeaders([]);
        _context.ChangeTimestamp(time.GetUtcNow().ToUnixTimeMilliseconds());
        foreach (var told in events)
            _context.Forward(_context.Id.Partition, told);
    }
}
