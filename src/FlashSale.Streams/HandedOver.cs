namespace FlashSale.Streams;

/// <summary>
/// What the consumer has handed over last, by partition. A stream thread processes all that a poll has brought before it polls again,
/// so the processor knows by it whether more records follow at once, and decides them together.
/// </summary>
internal sealed class HandedOver(int partitions)
{
    private readonly long[] _last = new long[partitions];

    public void Set(int partition, long offset) => Volatile.Write(ref _last[partition], offset);

    /// <summary>More records of the partition follow at once.</summary>
    public bool GoesOnAfter(int partition, long offset) => offset < Volatile.Read(ref _last[partition]);
}
