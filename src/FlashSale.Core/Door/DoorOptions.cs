using System.ComponentModel.DataAnnotations;

namespace FlashSale.Core.Door;

/// <summary>How the front door takes requests (section <c>Door</c>).</summary>
public sealed class DoorOptions
{
    public const string Section = "Door";

    /// <summary>Appends in flight per partition; while so many are not acknowledged, further commands gather. Default 2: one on the wire while the other is written.</summary>
    [Range(1, 5)]
    public int AppendsInFlightMax { get; set; } = 2;

    /// <summary>
    /// Least time between the beginnings of two appends of a partition. Default 8 ms: under load it bounds the records, and with them the cost of
    /// Kafka and of everything behind it, to 125 a second and partition; a command that comes after a quiet time waits for nothing. Up to three times as long
    /// where the machine is busy and fewer than 250 commands have come.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:01")]
    public TimeSpan AppendInterval { get; set; } = TimeSpan.FromMilliseconds(8);

    /// <summary>
    /// Appends a second of this node, over all partitions, above which each of them gathers for longer, up to eight times <see cref="AppendInterval"/>.
    /// Default 250; half of it, where other nodes append as well; 0: never.
    /// </summary>
    [Range(0, 100_000)]
    public int AppendRate { get; set; } = 250;

    /// <summary>Requests of one partition that wait for their append. Default 20,000; over that the answer is 503 <c>overloaded</c> at once. Counted by each node for itself.</summary>
    [Range(1, 1_000_000)]
    public int WaitingMax { get; set; } = 20_000;

    /// <summary>Commands of one partition accepted by this node and not yet decided. Default 2,000,000; over that further claims are answered with 503 <c>overloaded</c>.</summary>
    [Range(1, 1_000_000_000)]
    public int UndecidedMax { get; set; } = 2_000_000;

    /// <summary>
    /// How long a claim may have to wait for its decision. Default 0.5 s; where decisions come later than they should and a further claim would wait longer,
    /// it is answered with 503 <c>overloaded</c>. 0: it may wait for as long as <see cref="UndecidedMax"/> allows. A pause without any decision refuses nothing.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan DecisionLagMax { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Claims per user and window on this node; 0 (the default) is no limit. Over it the answer is 429 <c>too-many-requests</c>.</summary>
    [Range(0, 1_000_000)]
    public int UserLimit { get; set; }

    /// <summary>The window of <see cref="UserLimit"/>. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan UserLimitWindow { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Users that the limit keeps count of at a time. Default 200,000 (about 100 bytes each); when there are more, all counts begin anew, which lets some users ask more often.</summary>
    [Range(1_000, 10_000_000)]
    public int UserLimitUsersMax { get; set; } = 200_000;

    /// <summary>How long a change of a campaign waits for its decision before the answer is 202. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:00:30")]
    public TimeSpan DecisionWait { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes of decisions (estimated) that a node keeps per partition to answer for claims just decided without asking the state. Default 4 MB.</summary>
    [Range(0, 1_000_000_000)]
    public int RecentBytesMax { get; set; } = 4 << 20;

    /// <summary>Requests of one partition that a decision wakes on this node. Default 50,000; further ones look five times a second, and changes of campaigns are answered with 202 at once.</summary>
    [Range(1, 10_000_000)]
    public int WaitersMax { get; set; } = 50_000;
}
