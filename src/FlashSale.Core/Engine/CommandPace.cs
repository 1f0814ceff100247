namespace FlashSale.Core.Engine;

/// <summary>Keeps the commands that a partition decides to <see cref="EngineOptions.CommandsPerSecondMax"/>. For one caller at a time.</summary>
internal sealed class CommandPace(EngineOptions options, TimeProvider time)
{
    /// <summary>So much time without commands may be made up for: timers are late by some milliseconds.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(50);

    private readonly long _started = time.GetTimestamp();
    private TimeSpan _filledUntil = -Slack;

    /// <summary>How long further commands have to wait; nothing or less: not at all.</summary>
    public TimeSpan Left => options.CommandsPerSecondMax == 0 ? TimeSpan.Zero : _filledUntil - time.GetElapsedTime(_started);

    /// <summary>Counts commands that are let through now.</summary>
    public void LetThrough(int commands)
    {
        if (options.CommandsPerSecondMax == 0)
            return;
        var earliest = time.GetElapsedTime(_started) - Slack;
        if (_filledUntil < earliest)
            _filledUntil = earliest;
        _filledUntil += TimeSpan.FromSeconds(1) * commands / options.CommandsPerSecondMax;
    }

    /// <summary>Waits until the commands let through so far have filled their time, and lets these through.</summary>
    public async ValueTask WaitAsync(int commands, CancellationToken cancel)
    {
        if (Left is var left && left > TimeSpan.Zero)
            await Task.Delay(left, time, cancel);
        LetThrough(commands);
    }
}
