using FlashSale.Chaos.Checking;
using FlashSale.Chaos.Faults;
using FlashSale.Chaos.Watching;

namespace FlashSale.Chaos.Reporting;

/// <summary>All that a run has to tell; this is what report.json holds.</summary>
internal sealed record ChaosReport
{
    public required DateTimeOffset StartedAt { get; init; }

    public required int Seed { get; init; }

    public required double Minutes { get; init; }

    public required int Rate { get; init; }

    /// <summary>What the seed drew.</summary>
    public required IReadOnlyList<PlanRow> Plan { get; init; }

    /// <summary>What was left out, and why.</summary>
    public required IReadOnlyList<string> LeftOut { get; init; }

    /// <summary>What was done.</summary>
    public required IReadOnlyList<FaultSpan> Faults { get; init; }

    /// <summary>Commands in the log and decided when it ended.</summary>
    public required long Accepted { get; init; }

    public required long Decided { get; init; }

    public required long LagMax { get; init; }

    /// <summary>Seconds from the end of the last fault, or the last claim where that was later, until everything was decided and written; null: it did not come to that.</summary>
    public required double? RecoveredSeconds { get; init; }

    /// <summary>What callers were told; null where the run was broken off.</summary>
    public required StormResult? Storm { get; init; }

    public required bool Interrupted { get; init; }

    public required IReadOnlyList<string> Violations { get; init; }

    public required IReadOnlyList<Sample> Samples { get; init; }
}

/// <summary>A fault of the plan.</summary>
internal sealed record PlanRow(double At, string Fault, string Target)
{
    public static PlanRow Of(PlannedFault fault) => new(fault.At.TotalSeconds, fault.Kind.Name, fault.TargetName);
}
