using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>What a fault means for a partition: what is told of it, and the pause before the partition is taken over anew. There is no last attempt.</summary>
internal sealed class FaultPolicy(EngineOptions options)
{
    private TimeSpan _backoff = options.BackoffMin;

    /// <param name="gotFurther">Whether something was told since the fault before: then the pauses begin with the shortest again.</param>
    public (PartitionState State, string Reason, TimeSpan Pause) Of(Exception fault, bool gotFurther)
    {
        switch (fault)
        {
            case FencedException { State: FenceState.TakenOver }:
                return (PartitionState.Waiting, "another process has taken the partition over", options.FencedBackoff);
            case LogRefusedException:
                return (PartitionState.Refused, fault.Message, options.RefusedBackoff);
            default:
                _backoff = gotFurther ? options.BackoffMin : Min(_backoff * 2, options.BackoffMax);
                return (PartitionState.Waiting,
                    fault is FencedException or LogUnavailableException or StoreUnavailableException ? fault.Message : $"unexpected: {fault}", _backoff);
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
