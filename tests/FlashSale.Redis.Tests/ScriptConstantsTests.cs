using System.Text.RegularExpressions;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Redis.Tests;

/// <summary>The numbers that scripts and C# have in common.</summary>
public sealed partial class ScriptConstantsTests
{
    private static readonly RedisScript[] Coupons = [RedisScript.CouponApply, RedisScript.CouponReadClaim];

    [Fact]
    public void FenceStates_InEveryScript_AreThoseOfTheEnum()
    {
        foreach (var script in RedisScript.All)
        {
            var found = Constants(script, "FenceState");
            Assert.Equal(Enum.GetValues<FenceState>().ToDictionary(s => ToLua(s.ToString()), s => (int)s), found);
        }
    }

    [Fact]
    public void Outcomes_InScripts_AreThoseOfTheEnum()
    {
        var all = Enum.GetValues<CouponOutcome>().ToDictionary(o => ToLua(o.ToString()), o => (int)o);
        foreach (var script in Coupons)
            Assert.All(Constants(script, "CouponOutcome"), c => Assert.Equal(all[c.Key], c.Value));
        Assert.Equal(all.Keys.Where(k => k != "NONE").Order(), Constants(RedisScript.CouponApply, "CouponOutcome").Keys.Order());
        Assert.Equal(7, Constants(RedisScript.CouponReadClaim, "CouponOutcome").Count);
    }

    [Fact]
    public void CommandKinds_InScript_AreThoseOfTheEnum() => Assert.Equal(
        Enum.GetValues<CouponCommandKind>().ToDictionary(k => "KIND_" + ToLua(k.ToString()), k => (int)k),
        Constants(RedisScript.CouponApply, "CouponCommandKind"));

    [Fact]
    public void Limits_InScript_AreThoseOfTheRules()
    {
        Assert.Equal(
            new Dictionary<string, int>
            {
                ["CHANGES_MAX"] = CouponLimits.ChangesMax,
                ["CAMPAIGNS_MAX"] = CouponLimits.CampaignNumbers / MachineTopics.PartitionsMax,
            },
            Constants(RedisScript.CouponApply, "CouponLimits"));
        Assert.Equal((int)CouponState.Issued, Constants(RedisScript.CouponApply, "CouponState")["STATE_ISSUED"]);
        Assert.Contains($"RECORD_HEADER_SIZE = {RecordHeader.Size}\n", RedisScript.CouponApply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Includes_InEveryScript_AreResolved() =>
        Assert.All(RedisScript.All, s => Assert.DoesNotContain("--- include", s.Text, StringComparison.Ordinal));

    // The lines "local NAME = number" that follow the comment "-- heading" without a blank line.
    private static Dictionary<string, int> Constants(RedisScript script, string heading)
    {
        var block = Regex.Match(script.Text, $@"^-- {heading}\n(?<lines>(local \w+ = \d+\n)+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        Assert.True(block.Success, $"{script.Name} has no constants of {heading}");
        return Constant().Matches(block.Groups["lines"].Value).ToDictionary(m => m.Groups["name"].Value, m => int.Parse(m.Groups["value"].Value));
    }

    private static string ToLua(string name) => Words().Replace(name, "_").ToUpperInvariant();

    [GeneratedRegex(@"local (?<name>\w+) = (?<value>\d+)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Constant();

    [GeneratedRegex("(?<=[a-z])(?=[A-Z])", RegexOptions.None, 1_000)]
    private static partial Regex Words();
}
