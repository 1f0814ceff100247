namespace FlashSale.Core;

/// <summary>Where random numbers come from, so that a simulation can replay them. None of them enters a decision.</summary>
public interface IRandomIds
{
    ulong Next();
}

/// <summary>Random ids of a process.</summary>
public sealed class RandomIds : IRandomIds
{
    public static readonly RandomIds Shared = new();

    public ulong Next() => (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue);
}
