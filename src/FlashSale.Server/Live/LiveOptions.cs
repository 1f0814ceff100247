using System.ComponentModel.DataAnnotations;

namespace FlashSale.Server.Live;

/// <summary>Live updates (section <c>Live</c>).</summary>
public sealed class LiveOptions
{
    public const string Section = "Live";

    /// <summary>Connections of one node that watch live updates. Default 5,000 (a few KB each); over that the answer is 503 <c>overloaded</c>.</summary>
    [Range(0, 1_000_000)]
    public int WatchersMax { get; set; } = 5_000;
}
