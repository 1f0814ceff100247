using FlashSale.Chaos;
using FlashSale.Chaos.Faults;

namespace FlashSale.Integration.Tests;

/// <summary>What a seed of scripts/chaos.sh draws. Needs no servers.</summary>
[Trait("Engine", "any")]
public sealed class FaultPlanTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromMinutes(10);

    [Fact]
    public void Draw_SameSeed_DrawsTheSameFaults()
    {
        var plan = FaultPlan.Draw(4711, FaultCatalog.All, Duration);
        Assert.Equal(plan, FaultPlan.Draw(4711, FaultCatalog.All, Duration));
        Assert.NotEqual(plan, FaultPlan.Draw(4712, FaultCatalog.All, Duration));
        Assert.True(plan.Count > 100, $"only {plan.Count} faults in ten minutes");
    }

    [Fact]
    public void Draw_ManySeeds_HitEveryTargetOfEveryKindAndNoPartTwiceAtATime()
    {
        var hit = new HashSet<(string, string)>();
        for (var seed = 0; seed < 20; seed++)
        {
            var until = new Dictionary<string, TimeSpan>();
            foreach (var fault in FaultPlan.Draw(seed, FaultCatalog.All, Duration))
            {
                var part = FaultKind.PartOf(fault.TargetName);
                Assert.True(until.GetValueOrDefault(part) <= fault.At, $"seed {seed}: {fault} at {fault.At} hits {part} while it has another fault");
                until[part] = fault.At + fault.Kind.Lasts;
                hit.Add((fault.Kind.Name, fault.TargetName));
            }
        }

        Assert.Equal(FaultCatalog.All.SelectMany(k => k.Targets.Select(t => (k.Name, t))).Order(), hit.Order());
    }

    [Theory]
    [InlineData("kill", "kill-api kill-machines kill-broker kill-redis kill-database")]
    [InlineData("flush-redis, kill-redis,kill-redis", "flush-redis kill-redis")]
    public void Choose_NamesAndFirstWords_YieldsTheirFaults(string list, string expected) =>
        Assert.Equal(expected.Split(' '), FaultPlan.Choose(list).Select(k => k.Name));

    [Theory]
    [InlineData("kil", "'kil'")]
    [InlineData(",", "empty")]
    public void Choose_WrongList_SaysWhatThereIs(string list, string expected) =>
        Assert.Contains(expected, Assert.Throws<ChaosException>(() => FaultPlan.Choose(list)).Message, StringComparison.Ordinal);
}
