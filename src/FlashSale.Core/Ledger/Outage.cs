namespace FlashSale.Core.Ledger;

/// <summary>Counts the failures of one dependency in a row and spaces the attempts: doubling, without jitter, as the callers of one partition never meet.</summary>
internal sealed class Outage(TimeSpan pauseMin, TimeSpan pauseMax)
{
    private TimeSpan? _pause;

    /// <summary>Failures since it last worked.</summary>
    public int Failures { get; private set; }

    /// <summary>Counts a failure; yields the pause before the next attempt.</summary>
    public TimeSpan Fail()
    {
        Failures++;
        var pause = _pause ?? pauseMin;
        _pause = pause * 2 < pauseMax ? pause * 2 : pauseMax;
        return pause;
    }

    /// <summary>It works again; yields the failures before.</summary>
    public int End()
    {
        var failures = Failures;
        Failures = 0;
        _pause = null;
        return failures;
    }
}
