using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Simulation.Oracle;

/// <summary>What the fence of one partition's state looks at.</summary>
/// <param name="Log">Null where there is no state.</param>
/// <param name="IsTorn">A script has broken in it.</param>
internal sealed record FenceView(LogId? Log, OwnerToken Token, RecordPosition Applied, bool IsTorn)
{
    public static readonly FenceView None = new(null, default, default, IsTorn: false);
}

/// <summary>
/// The fence's table (docs/architecture.md), written down once more and kept apart from the code under simulation: it knows what a state
/// store must answer to each call, whatever else would hide a wrong answer.
/// </summary>
internal static class FenceTable
{
    public static FenceState OfTakeOver(FenceView view, LogId log) =>
        view.Log is null ? FenceState.Missing
        : view.Log != log ? FenceState.OtherLog
        : view.IsTorn ? FenceState.Torn
        : FenceState.Held;

    public static FenceState OfReset(FenceView view, LogId log) =>
        view.Log is null ? FenceState.Held
        : view.Log != log ? FenceState.OtherLog
        : view.IsTorn ? FenceState.Held
        : FenceState.TakenOver;

    public static FenceState OfApply(FenceView view, ApplyBatch batch)
    {
        if (OfTakeOver(view, batch.Log) is not FenceState.Held and var refused)
            return refused;
        if (view.Token.Number > batch.Token.Number)
            return FenceState.TakenOver;
        if (view.Token != batch.Token || view.Applied.Offset < batch.Expected.Offset)
            return FenceState.Behind;
        if (view.Applied.Offset > batch.Expected.Offset)
            return FenceState.Ahead;
        return view.Applied.Record == batch.Expected.Record ? FenceState.Held : FenceState.OtherRecord;
    }

    /// <exception cref="ViolationException">The store answered something else.</exception>
    public static void Expect(FenceState expected, FenceState answered, int partition, string call)
    {
        if (answered != expected)
            throw new ViolationException("I7", $"the state of {partition} answers {answered} to {call} where its fence says {expected}");
    }
}
