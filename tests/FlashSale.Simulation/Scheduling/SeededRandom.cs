using FlashSale.Core;

namespace FlashSale.Simulation.Scheduling;

/// <summary>The only source of chance in a run: SplitMix64 (Steele, Lea, Flood), written out so that a seed means the same on every version of .NET.</summary>
internal sealed class SeededRandom(ulong seed) : IRandomIds
{
    private ulong _state = seed;

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>0 to <paramref name="count"/> - 1.</summary>
    public int Below(int count) => (int)(Next() % (uint)count);

    /// <summary>From <paramref name="min"/> to <paramref name="max"/>, both included.</summary>
    public int Between(int min, int max) => min + Below(max - min + 1);

    public bool Chance(double probability) => (Next() >> 11) * (1.0 / (1UL << 53)) < probability;

    public TimeSpan Between(TimeSpan min, TimeSpan max) => min + TimeSpan.FromTicks((long)(Next() % (ulong)((max - min).Ticks + 1)));

    public T Of<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>A generator of its own, so that what is drawn from it does not shift what is drawn here.</summary>
    public SeededRandom Fork() => new(Next());
}
