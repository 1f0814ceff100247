namespace FlashSale.Core.Engine;

/// <summary>Holds where a partition stands; any thread may read and move it. The observer is told of every new state, and of every new reason.</summary>
internal sealed class ProgressKeeper(int partition, IEngineObserver observer)
{
    private PartitionProgress _current = PartitionProgress.Stopped(partition);

    public PartitionProgress Current => Volatile.Read(ref _current);

    public void Report(PartitionState state, string? reason) => Update(p => p with { State = state, Reason = reason });

    public void Update(Func<PartitionProgress, PartitionProgress> change)
    {
        // What is decided and what is told move independently.
        PartitionProgress before, after;
        do
        {
            before = Current;
            after = change(before);
        }
        while (Interlocked.CompareExchange(ref _current, after, before) != before);

        if (after.State != before.State || after.Reason != before.Reason)
            observer.Changed(after);
    }

    public void Update(PartitionProgress progress) => Update(_ => progress);

    /// <summary>Records up to this one have been applied.</summary>
    public void Advance(long applied, long commands) => Update(p => p with
    {
        Applied = applied,
        Commands = commands,
        State = p.State == PartitionState.Rebuilding && applied < p.RebuildTo ? PartitionState.Rebuilding : PartitionState.Running,
    });
}
