using System.ComponentModel.DataAnnotations;
using FlashSale.Core.Configuration;

namespace FlashSale.Core.Engine;

/// <summary>How the engine works (section <c>Engine</c>). None of it enters a decision.</summary>
public sealed class EngineOptions : IOptionsRules
{
    public const string Section = "Engine";

    /// <summary>Records applied by one call of the state store. Default 64; more makes calls longer and rarer.</summary>
    [Range(1, 1_000)]
    public int BatchRecordsMax { get; set; } = 64;

    /// <summary>Commands applied by one call; a record (2,000 at most) is never split, and one is always taken. Default 4,000: about 10 ms of the script at 400,000 a second, during which Redis serves nobody else.</summary>
    [Range(1, 100_000)]
    public int BatchCommandsMax { get; set; } = 4_000;

    /// <summary>Calls in flight per partition. Default 3: one executing, one on its way there, one on its way back.</summary>
    [Range(2, 16)]
    public int BatchesInFlightMax { get; set; } = 3;

    /// <summary>Event records appended and not yet acknowledged per partition. Default 64. The state keeps the outcomes of these and of the batches in flight.</summary>
    [Range(1, 10_000)]
    public int UntoldRecordsMax { get; set; } = 64;

    /// <summary>How long a partition that is given up may take to tell what it has decided. Default 3 s; what is not told then is told by the next owner.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>First pause before a partition is taken over again after a fault; doubles up to <see cref="BackoffMax"/>. Default 50 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan BackoffMin { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest pause between two attempts after faults. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan BackoffMax { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Pause after somebody else has taken the partition over. Default 3 s: time for the group to tell this process that the partition is not its own any more.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan FencedBackoff { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Pause after the log or the state was refused. Default 5 s; then it is looked at again.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan RefusedBackoff { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often a partition without commands looks whether its state is still there, and rebuilds it if not. Default 1 s; until then tickets wait and new front doors are not ready.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "00:10:00")]
    public TimeSpan IdleCheck { get; set; } = TimeSpan.FromSeconds(1);

    public IEnumerable<string> Validate()
    {
        if (BackoffMax < BackoffMin)
            yield return $"{Section}:BackoffMax is {BackoffMax}; allowed: {Section}:BackoffMin ({BackoffMin}) to 00:10:00";
    }
}
