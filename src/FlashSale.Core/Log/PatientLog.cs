namespace FlashSale.Core.Log;

/// <summary>
/// A log for programs that look once and end, where nobody asks again after a failure: while a partition's leader moves, it
/// has no bounds for some seconds. What it reads comes from the log as it is; a client finds the new leader by itself there.
/// </summary>
/// <param name="patience">How long the bounds are asked for again, from the first question on.</param>
public sealed class PatientLog(ILog log, TimeSpan patience, TimeProvider time) : ILog
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    public ILogReader Read(string topic, int partition, long fromOffset) => log.Read(topic, partition, fromOffset);

    /// <exception cref="LogUnavailableException">The last answer, once the patience is over.</exception>
    public async ValueTask<LogBounds> BoundsAsync(string topic, int partition, CancellationToken cancel)
    {
        var asked = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await log.BoundsAsync(topic, partition, cancel);
            }
            catch (LogUnavailableException) when (time.GetElapsedTime(asked) < patience)
            {
                await Task.Delay(Pause, time, cancel);
            }
        }
    }
}
