using System.ComponentModel.DataAnnotations;
using FlashSale.Core.Configuration;

namespace FlashSale.Core.Ledger;

/// <summary>How outcomes are written to the ledger (section <c>Ledger</c>).</summary>
public sealed class LedgerOptions : IOptionsRules
{
    public const string Section = "Ledger";

    /// <summary>
    /// Rows after which a transaction is closed (default 2,000). A record is never split, so one may hold some 4,000 more
    /// (2,000 commands, 2,000 campaigns).
    /// </summary>
    [Range(1, 20_000)]
    public int RowsMax { get; set; } = 2_000;

    /// <summary>Event records of one transaction (default 500).</summary>
    [Range(1, 10_000)]
    public int RecordsMax { get; set; } = 500;

    /// <summary>
    /// The pause after everything there has been written (default 100 ms). The first event after a quiet time is written at once;
    /// under load this is what makes transactions large: at most 10 a second and partition instead of one for each record, as a transaction
    /// costs a client over 0.5 ms of CPU time besides its rows (some 3 µs each). Not longer by default where everything shares two cores: the 20 ms
    /// that a database works on 2,000 rows are 20 ms for which requests wait (p99 of the 202 at 10,000 claims/s: 28 ms with 200 ms, 23 ms with 50 ms, one run each, on a machine where equal runs differ by more).
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:10")]
    public TimeSpan GatherTime { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Keeps a row for every refused claim beside the counts (default false). A sold-out sale then costs as many rows as claims.</summary>
    public bool EveryRefusal { get; set; }

    /// <summary>The first pause after a failure (default 100 ms); it doubles with each further one.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan BackoffMin { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest pause between two attempts (default 5 s; not below <see cref="BackoffMin"/>). There is no last attempt.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan BackoffMax { get; set; } = TimeSpan.FromSeconds(5);

    public IEnumerable<string> Validate()
    {
        if (BackoffMax < BackoffMin)
            yield return $"{Section}:BackoffMax is {BackoffMax}; allowed: {Section}:BackoffMin ({BackoffMin}) to 00:10:00";
    }
}
