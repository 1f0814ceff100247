using System.ComponentModel.DataAnnotations;

namespace FlashSale.Core.Engine;

/// <summary>How the engine <c>streamiz</c> works, beside <see cref="EngineOptions"/> (section <c>Streamiz</c>). None of it enters a decision.</summary>
public sealed class StreamizOptions
{
    public const string Section = "Streamiz";

    /// <summary>Stream threads, each a member of the group. Default 1; a thread waits for one call of the script at a time, which decides what a poll has brought for one partition.</summary>
    [Range(1, 64)]
    public int Threads { get; set; } = 1;

    /// <summary>How long a thread gathers records before it decides them. Default 5 ms. It is latency; less costs CPU time while nothing happens.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:01")]
    public TimeSpan PollTime { get; set; } = TimeSpan.FromMilliseconds(5);
}
