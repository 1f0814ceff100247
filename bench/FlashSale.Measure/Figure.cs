using System.Text.Json.Serialization;

namespace FlashSale.Measure;

/// <summary>How a figure is compared with its goal.</summary>
internal enum Goal
{
    /// <summary>No goal of its own; told beside others.</summary>
    None,

    /// <summary>Ours divided by the twin's, round by round, is at least the limit.</summary>
    RatioAtLeast,

    /// <summary>Ours divided by the twin's, round by round, is at most the limit.</summary>
    RatioAtMost,

    /// <summary>Ours minus the twin's, round by round, is at most the limit.</summary>
    DifferenceAtMost,

    /// <summary>Ours is at most the limit.</summary>
    AtMost,

    /// <summary>Ours is at least the limit.</summary>
    AtLeast,
}

/// <summary>One line of the goal table: what every round gave, and what it should be.</summary>
/// <param name="Name">What was measured, with how; unique in its row.</param>
/// <param name="Unit">Of the values.</param>
/// <param name="Ours">One value for each round.</param>
/// <param name="Twin">The twin's, of the same rounds in the same order; empty without one.</param>
/// <param name="Note">What a reader has to know beside it.</param>
internal sealed record Figure(string Name, string Unit, IReadOnlyList<double> Ours, IReadOnlyList<double> Twin, Goal Goal, double Limit, string? Note = null)
{
    /// <summary>What is compared with the limit: the median over the rounds. NaN where nothing was measured.</summary>
    [JsonIgnore]
    public double Compared => Median(Rounds());

    /// <summary>Lowest and highest of what <see cref="Compared"/> is the median of.</summary>
    [JsonIgnore]
    public (double Lowest, double Highest) Spread => Rounds() is { Count: > 0 } rounds ? (rounds.Min(), rounds.Max()) : (double.NaN, double.NaN);

    /// <summary>Null where there is no goal. Nothing measured does not meet one.</summary>
    [JsonIgnore]
    public bool? Met => Goal switch
    {
        Goal.None => null,
        Goal.RatioAtLeast or Goal.AtLeast => Compared >= Limit,
        _ => Compared <= Limit,
    };

    /// <summary>The middle value; NaN of none.</summary>
    public static double Median(IReadOnlyCollection<double> values)
    {
        if (values.Count == 0)
            return double.NaN;
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    private List<double> Rounds() => Goal switch
    {
        Goal.RatioAtLeast or Goal.RatioAtMost => [.. Ours.Zip(Twin, (ours, twin) => ours / twin)],
        Goal.DifferenceAtMost => [.. Ours.Zip(Twin, (ours, twin) => ours - twin)],
        _ => [.. Ours],
    };
}

/// <summary>What one process spent on a claim.</summary>
/// <param name="Process">Its name; with a colon and a name behind it: threads of it.</param>
/// <param name="User">Microseconds of CPU time in its own code.</param>
/// <param name="System">Microseconds of CPU time in the kernel.</param>
internal sealed record CpuShare(string Process, double User, double System)
{
    [JsonIgnore]
    public double Total => User + System;
}

/// <summary>A line of a picture.</summary>
internal sealed record Series(string Name, IReadOnlyList<double> Seconds, IReadOnlyList<double> Values);

/// <summary>A picture: panels of lines over one axis of time.</summary>
/// <param name="Name">Of its file, without the extension.</param>
internal sealed record Picture(string Name, string Title, IReadOnlyList<Panel> Panels);

/// <summary>One panel of a picture.</summary>
internal sealed record Panel(string Title, IReadOnlyList<Series> Lines);

/// <summary>What a row of the goal table came to.</summary>
internal sealed record RowResult(string Row, string Title, DateTimeOffset At, double Seconds, IReadOnlyList<Figure> Figures)
{
    /// <summary>What one claim costs, by process and thread.</summary>
    public IReadOnlyList<CpuShare> Profile { get; init; } = [];

    /// <summary>The same of the twin; empty where the profile is compared with none.</summary>
    public IReadOnlyList<CpuShare> TwinProfile { get; init; } = [];

    public IReadOnlyList<Picture> Pictures { get; init; } = [];

    /// <summary>Why it did not come to its figures; null where it did.</summary>
    public string? Failure { get; init; }
}
