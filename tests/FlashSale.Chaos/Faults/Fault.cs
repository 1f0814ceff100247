using FlashSale.Chaos.Servers;

namespace FlashSale.Chaos.Faults;

/// <summary>A kind of fault: what it is called, whom it can hit, and how it is done. It ends when what it broke serves again.</summary>
/// <param name="Targets">What it hits, one of these.</param>
/// <param name="Lasts">About how long, its recovery included: no other fault is planned for the same part meanwhile.</param>
/// <param name="RunAsync">Breaks, holds, mends; yields a detail worth telling, or null.</param>
internal sealed record FaultKind(string Name, IReadOnlyList<string> Targets, TimeSpan Lasts, Func<FaultScene, Task<string?>> RunAsync)
{
    /// <summary>The part that the target belongs to. One part has one fault at a time: two of three brokers away, say, stop every sale and show nothing.</summary>
    public static string PartOf(string target) => target switch
    {
        _ when target.StartsWith("broker", StringComparison.Ordinal) => "kafka",
        _ when target.StartsWith("redis", StringComparison.Ordinal) => "redis",
        _ => target,
    };
}

/// <summary>A fault's place in the plan.</summary>
/// <param name="Target">Index into the kind's targets.</param>
/// <param name="Dice">Seed of what the fault itself leaves to chance.</param>
internal sealed record PlannedFault(TimeSpan At, FaultKind Kind, int Target, int Dice)
{
    public string TargetName => Kind.Targets[Target];

    public override string ToString() => $"{Kind.Name} {TargetName}";
}

/// <summary>What a fault works with.</summary>
/// <param name="hold">Waits, and no longer when the faults are to end.</param>
/// <param name="cancel">The run is broken off; nothing needs to be mended.</param>
internal sealed class FaultScene(ChaosStack stack, PlannedFault fault, Func<TimeSpan, Task> hold, CancellationToken cancel)
{
    private readonly Random _dice = new(fault.Dice);

    public ChaosStack Stack => stack;

    public int Target => fault.Target;

    public CancellationToken Cancel => cancel;

    public double Share() => _dice.NextDouble();

    public Task HoldAsync(TimeSpan time) => hold(time);

    /// <summary>Holds for a time between the two.</summary>
    public Task HoldAsync(double secondsMin, double secondsMax) => hold(TimeSpan.FromSeconds(secondsMin + (secondsMax - secondsMin) * Share()));
}
