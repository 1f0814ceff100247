namespace FlashSale.Core.Tests;

/// <summary>Ids that count up, so that a run is the same each time.</summary>
internal sealed class TestIds : IRandomIds
{
    private ulong _last = 1_000;

    public ulong Next() => ++_last;
}
