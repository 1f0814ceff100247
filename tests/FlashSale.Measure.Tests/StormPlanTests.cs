using FlashSale.Measure.Running;

namespace FlashSale.Measure.Tests;

public sealed class StormPlanTests
{
    private static readonly StormPlan Plan = new() { Urls = ["http://127.0.0.1:1"], Campaigns = ["sale"], Rate = 1_000, Claims = 60_000 };

    [Fact]
    public void Arguments_Ramp_ItsClaimsAndSecondsComeOnTop()
    {
        var rising = Plan with { RampSeconds = 10 };
        Assert.Equal(70, rising.Seconds);
        Assert.Contains("--ramp=10", rising.Arguments("report.json"));
        Assert.Contains("--users=65000", rising.Arguments("report.json"));
        Assert.DoesNotContain(Plan.Arguments("report.json"), a => a.StartsWith("--ramp", StringComparison.Ordinal));
    }

    [Fact]
    public void Arguments_ClosedLoop_HasNeitherRateNorRamp()
    {
        var crowd = Plan with { Rate = null, Claims = 0, RampSeconds = 10, ClosedLoopSeconds = 15, WarmUpSeconds = 5, Connections = 2_000 };
        Assert.Equal(15, crowd.Seconds);
        Assert.Contains("--closed-loop=2000", crowd.Arguments("report.json"));
        Assert.Contains("--warm-up=5", crowd.Arguments("report.json"));
        Assert.DoesNotContain(crowd.Arguments("report.json"), a => a.StartsWith("--ramp", StringComparison.Ordinal) || a.StartsWith("--rate", StringComparison.Ordinal));
    }
}
