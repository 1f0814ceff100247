namespace FlashSale.Core.Ledger;

/// <summary>How outcomes are written to the ledger (section <c>Ledger</c>).</summary>
public sealed class LedgerOptions
{
    public const string Section = "Ledger";

    /// <summary>
    /// Rows after which a transaction is closed (default 2,000; 1 to 20,000). A record is never split, so one may hold some 4,000 more
    /// (2,000 commands, 2,000 campaigns).
    /// </summary>
    public int RowsMax { get; set; } = 2_000;

    /// <summary>Event records of one transaction (default 500; 1 to 10,000).</summary>
    public int RecordsMax { get; set; } = 500;

    /// <summary>
    /// The pause after everything there has been written (default 200 ms; 0 to 10 s). The first event after a quiet time is written at once;
    /// under load this is what makes transactions large: at most 5 a second and partition instead of one for each record, as a transaction
    /// costs a client over 0.5 ms of CPU time besides its rows (some 3 µs each).
    /// </summary>
    public TimeSpan GatherTime { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Keeps a row for every refused claim beside the counts (default false). A sold-out sale then costs as many rows as claims.</summary>
    public bool EveryRefusal { get; set; }

    /// <summary>The first pause after a failure (default 100 ms; 1 ms to 1 min); it doubles with each further one.</summary>
    public TimeSpan BackoffMin { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest pause between two attempts (default 5 s; from <see cref="BackoffMin"/> to 10 min). There is no last attempt.</summary>
    public TimeSpan BackoffMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>What is wrong, one line for each key with its allowed range; empty where all is well.</summary>
    public IEnumerable<string> Validate()
    {
        if (RowsMax is < 1 or > 20_000)
            yield return $"Ledger:RowsMax is {RowsMax}; allowed: 1 to 20000";
        if (RecordsMax is < 1 or > 10_000)
            yield return $"Ledger:RecordsMax is {RecordsMax}; allowed: 1 to 10000";
        if (GatherTime < TimeSpan.Zero || GatherTime > TimeSpan.FromSeconds(10))
            yield return $"Ledger:GatherTime is {GatherTime}; allowed: 00:00:00 to 00:00:10";
        if (BackoffMin < TimeSpan.FromMilliseconds(1) || BackoffMin > TimeSpan.FromMinutes(1))
            yield return $"Ledger:BackoffMin is {BackoffMin}; allowed: 00:00:00.001 to 00:01:00";
        if (BackoffMax < BackoffMin || BackoffMax > TimeSpan.FromMinutes(10))
            yield return $"Ledger:BackoffMax is {BackoffMax}; allowed: Ledger:BackoffMin ({BackoffMin}) to 00:10:00";
    }
}
