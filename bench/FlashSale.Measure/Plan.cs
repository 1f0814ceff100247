namespace FlashSale.Measure;

/// <summary>How long and how much is measured. Seconds are of load, without starting and ending.</summary>
internal sealed record Plan
{
    /// <summary>Under 45 minutes on the machine that the goals are stated for.</summary>
    public static readonly Plan Full = new();

    /// <summary>Under 10 minutes: shows that everything works; its figures are too short to be published.</summary>
    public static readonly Plan Quick = new()
    {
        IsQuick = true,
        Rounds = 2,
        LongRounds = 1,
        DoorSeconds = 3,
        WarmUpSeconds = 2,
        KafkaWarmUpSeconds = 2,
        HalfRateSeconds = 3,
        BacklogClaims = 150_000,
        ProcessRounds = 1,
        LedgerRows = 100_000,
        LedgerWarmUpRows = 30_000,
        ProbeSeconds = 4,
        ProbesMax = 4,
        SustainedSeconds = 6,
        IdleClaims = 40,
        MemoryClaims = 60_000,
        StartClaims = 300_000,
        OverloadSeconds = 8,
        ProcessSeconds = 5,
    };

    public bool IsQuick { get; private init; }

    /// <summary>About how long rows will take; all together are kept within the deadline.</summary>
    public double Minutes(IReadOnlyList<Rows.IRow> rows) => Math.Min(Math.Ceiling(rows.Sum(r => r.Seconds(this)) / 60.0), Deadline.TotalMinutes);

    /// <summary>From the start of the script, build and servers included: nothing is begun that would end later, where it can be shortened.</summary>
    public TimeSpan Deadline => IsQuick ? TimeSpan.FromMinutes(9.5) : TimeSpan.FromMinutes(44);

    /// <summary>Rounds in which twin and ours take turns.</summary>
    public int Rounds { get; private init; } = 5;

    /// <summary>Rounds of what takes too long for as many.</summary>
    public int LongRounds { get; private init; } = 3;

    public int DoorSeconds { get; private init; } = 5;

    /// <summary>Until the code is compiled and the heap has its size.</summary>
    public int WarmUpSeconds { get; private init; } = 10;

    /// <summary>Kafka is compiled, too, and takes longer: a claim at the door took 2.6 to 3.8 µs of it in the first minute after its start and 0.6 after two.</summary>
    public int KafkaWarmUpSeconds { get; private init; } = 90;

    public int HalfRateSeconds { get; private init; } = 10;

    public int BacklogClaims { get; private init; } = 2_000_000;

    public int ProcessRounds { get; private init; } = 3;

    public int LedgerRows { get; private init; } = 1_000_000;

    /// <summary>Written before those that count.</summary>
    public int LedgerWarmUpRows { get; private init; } = 250_000;

    public int ProbeSeconds { get; private init; } = 12;

    public int ProbesMax { get; private init; } = 9;

    public int SustainedSeconds { get; private init; } = 60;

    /// <summary>Claims of one round.</summary>
    public int IdleClaims { get; private init; } = 200;

    public int MemoryClaims { get; private init; } = 10_000_000;

    public int StartClaims { get; private init; } = 10_000_000;

    public int OverloadSeconds { get; private init; } = 60;

    public int ProcessSeconds { get; private init; } = 15;
}
