using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>
/// How far the log of a partition goes, as far as is known: what was handed over, and what the log has answered. A record that the
/// loop has skipped is missed by nobody until the next one, so in a quiet time the log is asked; the longer nothing is found, the more seldom.
/// </summary>
internal sealed class LogEnd(IMachine machine, int partition, ILog log, EngineOptions options, TimeProvider time)
{
    /// <summary>After so long without a record it is asked how far the log goes: a loop hands nothing over while partitions of others move.</summary>
    private static readonly TimeSpan QuietMin = TimeSpan.FromMilliseconds(100);

    private Task<LogBounds>? _asked;

    /// <summary>When a record was applied last, or the log asked; and how long after it the log is asked.</summary>
    private long _quietSince;
    private TimeSpan _quietMax;

    /// <summary>Offset of the last record known to be in the log; -1: none.</summary>
    public long Seen { get; private set; } = -1;

    /// <summary>The log has been asked and has not answered: there may be more than is seen.</summary>
    public bool IsAsked => _asked is not null;

    public void See(long offset) => Seen = Math.Max(Seen, offset);

    /// <summary>Asks the log; <see cref="Look"/> takes the answer.</summary>
    public void Ask(CancellationToken owning)
    {
        _asked ??= log.BoundsAsync(machine.Topics.Commands, partition, owning).AsTask();
        Heard();
    }

    /// <summary>To be called every now and then: takes the log's answer, and asks it in a quiet time.</summary>
    public void Look(CancellationToken owning)
    {
        if (_asked is { IsCompleted: true } answered)
        {
            _asked = null;
            // No answer: the next time is soon enough.
            if (answered.IsCompletedSuccessfully)
                See(answered.Result.End - 1);
        }

        if (time.GetElapsedTime(_quietSince) < _quietMax)
            return;
        var longer = TimeSpan.FromTicks(Math.Min(2 * _quietMax.Ticks, options.IdleCheck.Ticks));
        Ask(owning);
        _quietMax = longer;
    }

    /// <summary>Records were applied.</summary>
    public void Heard()
    {
        _quietSince = time.GetTimestamp();
        _quietMax = QuietMin;
    }

    /// <summary>Whoever decides next asks anew.</summary>
    public void Forget()
    {
        _asked = null;
        Seen = -1;
    }
}
