namespace FlashSale.Simulation.Chaos;

/// <summary>What can go wrong. Each run has a part of these, each with a frequency of its own.</summary>
internal enum FaultKind
{
    // At an effect: asked each time a process uses the log, the state or the database.

    /// <summary>A record is not appended, and the caller is told that nobody knows.</summary>
    AppendLost,

    /// <summary>A record is appended, and the caller is told that nobody knows.</summary>
    AppendUnknown,

    /// <summary>The caller is told that nobody knows; the record appears later.</summary>
    AppendLate,

    /// <summary>Anything takes seconds instead of milliseconds.</summary>
    Slow,
    ReadBroken,

    /// <summary>A reader leaves a record out, as one of a compacted topic, or of one written in transactions, would.</summary>
    RecordSkipped,

    /// <summary>A door is given an event that it cannot read.</summary>
    EventUnreadable,
    BoundsUnknown,

    /// <summary>A call of the state store has no effect and no answer.</summary>
    CallLost,

    /// <summary>A call of the state store has its effect, and no answer.</summary>
    AnswerLost,

    /// <summary>The connection to the state store breaks; what is on its way still takes effect, or does not, at any time later.</summary>
    ConnectionBroken,

    /// <summary>A script breaks between its first and its last write.</summary>
    ScriptTorn,

    /// <summary>The state gives a new owner none of the outcomes that it keeps.</summary>
    OutcomesNotKept,

    /// <summary>A door reads a replica that is behind.</summary>
    StaleRead,

    /// <summary>The database commits, and the caller is told that it failed.</summary>
    CommitUnknown,

    /// <summary>The caller is told that it failed; the database commits later.</summary>
    CommitLate,
    Deadlock,

    /// <summary>The process dies instead of causing the effect.</summary>
    CrashBefore,

    /// <summary>The process dies when the effect has happened, and never learns of it.</summary>
    CrashAfter,

    // From outside, at any time.
    LogAway,
    DatabaseAway,
    StateEmptied,

    /// <summary>Somebody calls the state with a log, token, offset or record id that is not its own.</summary>
    StrayCall,

    /// <summary>The state goes back to what a replica had: acknowledged writes are lost.</summary>
    StateRolledBack,

    /// <summary>The state is replaced by the one of another log, for a while.</summary>
    StateOfOtherLog,

    /// <summary>A partition is given to another process; the old one tells what it has decided first.</summary>
    PartitionMoved,

    /// <summary>A partition is given to another process; the old one hears of it later.</summary>
    PartitionStolen,

    /// <summary>A process stands still, loses its partitions, and goes on as if nothing had happened.</summary>
    ProcessPaused,
    ProcessCrashed,
    ClockSet,

    /// <summary>The database's marks are those of another installation, for a while.</summary>
    LedgerOfOtherLog,

    /// <summary>The command log loses its end below what was told, or its start, for a while.</summary>
    LogCut,

    /// <summary>Somebody else writes to the command topic.</summary>
    Garbage,

    /// <summary>Events are appended once more.</summary>
    EventsRepeated,

    /// <summary>Processes of the next version join, and write its records.</summary>
    NewerVersion,
}
