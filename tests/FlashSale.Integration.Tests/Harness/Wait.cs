using System.Diagnostics;

namespace FlashSale.Integration.Tests.Harness;

/// <summary>Waits for conditions, each with a bound.</summary>
internal static class Wait
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    /// <summary>Waits until <paramref name="missing"/> yields null; else fails with what it yielded last.</summary>
    public static async Task<TimeSpan> UntilAsync(string what, TimeSpan within, Func<Task<string?>> missing)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var reason = await missing();
            if (reason is null)
                return clock.Elapsed;
            if (clock.Elapsed > within)
                throw new InvalidOperationException($"waited {within.TotalSeconds} s for: {what}. In the end: {reason}");
            await Task.Delay(Pause);
        }
    }

    public static Task<TimeSpan> UntilAsync(string what, TimeSpan within, Func<bool> holds) =>
        UntilAsync(what, within, () => Task.FromResult(holds() ? null : "it did not hold"));
}
