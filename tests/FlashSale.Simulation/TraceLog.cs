using System.Globalization;
using FlashSale.Simulation.Oracle;
using FlashSale.Simulation.Scheduling;

namespace FlashSale.Simulation;

/// <summary>What has happened, step by step: the last lines are kept, all of them are in the hash.</summary>
internal sealed class TraceLog(Scheduler scheduler, TextWriter? output)
{
    private const int Kept = 60;

    private readonly Queue<string> _last = new(Kept);
    private ulong _hash;

    /// <summary>The same for two runs that have done the same.</summary>
    public ulong Hash => _hash;

    public IReadOnlyCollection<string> Last => _last;

    public void Add(string who, string what)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{scheduler.Now.TotalMilliseconds,10:F3} {who,-8} {what}");
        Digest.Add(ref _hash, line);
        if (_last.Count == Kept)
            _last.Dequeue();
        _last.Enqueue(line);
        output?.WriteLine(line);
    }
}
