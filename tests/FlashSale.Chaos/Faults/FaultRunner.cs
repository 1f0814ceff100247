using System.Collections.Concurrent;
using FlashSale.Chaos.Servers;
using FlashSale.Chaos.Watching;

namespace FlashSale.Chaos.Faults;

/// <summary>Carries a plan out: each fault in its own time, one at a time for each part.</summary>
internal sealed class FaultRunner(ChaosStack stack, Timeline timeline)
{
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _parts = new(StringComparer.Ordinal);

    /// <summary>Ends when the time is over and everything broken is mended.</summary>
    /// <param name="over">The faults' time is over: what holds ends now, what has not begun does not begin.</param>
    /// <param name="cancel">The run is broken off.</param>
    public Task RunAsync(IReadOnlyList<PlannedFault> plan, CancellationToken over, CancellationToken cancel) =>
        Task.WhenAll(plan.Select(fault => RunAsync(fault, over, cancel)));

    private async Task RunAsync(PlannedFault fault, CancellationToken over, CancellationToken cancel)
    {
        var part = _parts.GetOrAdd(FaultKind.PartOf(fault.TargetName), static _ => new SemaphoreSlim(1));
        try
        {
            await Task.Delay(fault.At > timeline.Elapsed ? fault.At - timeline.Elapsed : TimeSpan.Zero, over);
            await part.WaitAsync(over);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return;
        }

        try
        {
            var span = timeline.Begin(fault.ToString());
            var detail = await fault.Kind.RunAsync(new FaultScene(stack, fault, time => HoldAsync(time, over, cancel), cancel));
            timeline.End(span, detail);
        }
        finally
        {
            part.Release();
        }
    }

    private static async Task HoldAsync(TimeSpan time, CancellationToken over, CancellationToken cancel)
    {
        try
        {
            await Task.Delay(time, over);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // The faults are over: it is mended now.
        }
    }
}
