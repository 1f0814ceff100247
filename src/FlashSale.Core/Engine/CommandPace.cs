namespace FlashSale.Core.Engine;

/// <summary>Keeps the commands that a partition decides to <see cref="EngineOptions.CommandsPerSecondMax"/>. For one caller at a time.</summary>
internal sealed class CommandPace(EngineOptions options, TimeProvider time)
{
    /// <summary>So much time without commands may be made up for: timers are late by some milliseconds.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(50);

    private readonly long _started = time.GetTimestamp();
    private TimeSpan _filledUntil = -Slack;

    /// <summary>Waits until the commands let through so far have filled their time, and lets these through.</summary>
    public async ValueTask WaitAsync(int commands, CancellationToken cancel)
    {
        if (options.CommandsPerSecondMax == 0)
            return;
        var now = time.GetElapsedTime(_started);
        if (_filledUntil > now)
            await Task.Delay(_filledUntil - now, time, cancel);
        else if (_filledUntil < now - Slack)
            _filledUntil = now - Slack;
        _filledUntil += TimeSpan.FromSeconds(1) * commands / options.CommandsPerSecondMax;
    }
}
