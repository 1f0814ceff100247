using FlashSale.Simulation.Defences;

namespace FlashSale.Simulation.Tests;

/// <summary>The list of defences follows the code, and taking one away is found out. The whole table takes minutes: scripts/simulate.sh --defences.</summary>
public sealed class DefenceTests
{
    private static readonly WeakenedCore Core = new(DefenceTable.CoreFolder());

    [Fact]
    public void Weaken_EveryDefence_IsInTheCodeOnce()
    {
        Assert.All(DefenceList.All, d => Core.Weaken(d));
        Assert.Distinct(DefenceList.All.Select(d => d.Name));
    }

    [Fact]
    public void Weaken_TextThatIsNotThere_FailsLoudly() =>
        Assert.Throws<DefenceException>(() => Core.Weaken(new Defence("none", "Coupons/CouponModel.cs", "no such text", "")));

    [Theory]
    [InlineData("quantity check", "I1")]
    [InlineData("per-user check", "I2")]
    public void Probe_RuleTakenAway_IsFoundByCounting(string name, string invariant)
    {
        var found = Core.Probe(DefenceList.All.Single(d => d.Name == name), 1, 200);
        Assert.True(found.IsFound);
        Assert.Equal(invariant, found.Invariant);
    }

    [Fact]
    public void Probe_NothingTakenAway_FindsNothing() => Assert.False(Core.Probe(null, 1, 50).IsFound);
}
