namespace FlashSale.Cli.Storm;

/// <summary>Turns the counters into rates since the last look.</summary>
internal sealed class ProgressMeter(StormEngine engine)
{
    private TimeSpan _at = TimeSpan.Zero;
    private long _accepted;
    private long _refused;

    public StormProgress Take(string phase)
    {
        ClaimBook book = engine.Book;
        TimeSpan now = engine.Clock.Elapsed;
        double seconds = Math.Max(0.001, (now - _at).TotalSeconds);
        long accepted = book.AcceptedInAll, refused = book.Count(ClaimState.RefusedAtDoor);
        var progress = new StormProgress
        {
            Phase = phase,
            Elapsed = now,
            Offered = book.Offered,
            Claims = engine.Claims,
            AcceptedPerSecond = Math.Max(0, accepted - _accepted) / seconds,
            RefusedPerSecond = Math.Max(0, refused - _refused) / seconds,
            Accepted = accepted,
            Decided = book.Decided,
            Issued = book.Count(ClaimState.Issued),
            Unknown = book.Count(ClaimState.Unknown),
            AcceptedP99 = engine.Meters.Of(AnswerKind.Accepted).Percentile(0.99),
            Behind = engine.Meters.TakeLag(),
        };
        (_at, _accepted, _refused) = (now, accepted, refused);
        return progress;
    }
}

/// <summary>What this process has used since the meter was made.</summary>
internal sealed class UseMeter(StormEngine engine)
{
    private readonly TimeSpan _cpu = Environment.CpuUsage.TotalTime;
    private readonly TimeSpan _pause = GC.GetTotalPauseDuration();
    private readonly int[] _collections = [GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2)];

    public GeneratorUse Take()
    {
        double cpu = (Environment.CpuUsage.TotalTime - _cpu).TotalSeconds;
        long requests = engine.Book.Offered + engine.Sampled.Answers;
        // A collection of an older generation is one of the younger ones too; each is counted once.
        int gen2 = GC.CollectionCount(2) - _collections[2];
        int gen1 = GC.CollectionCount(1) - _collections[1] - gen2;
        int gen0 = GC.CollectionCount(0) - _collections[0] - gen1 - gen2;
        return new GeneratorUse(
            cpu,
            requests == 0 ? 0 : cpu * 1e6 / requests,
            gen0,
            gen1,
            gen2,
            (GC.GetTotalPauseDuration() - _pause).TotalMilliseconds,
            engine.Connections,
            engine.ClaimsQueued,
            engine.SamplesQueued);
    }
}
