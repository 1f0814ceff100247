using FlashSale.Cli.Storm;

namespace FlashSale.Cli.Tests.Storm;

public sealed class LoadCurveTests
{
    public static TheoryData<string> Curves => ["constant", "ramp", "spike"];

    [Theory]
    [MemberData(nameof(Curves))]
    public void TimeOf_AnyCurve_IsTheInverseOfClaimsBy(string name)
    {
        LoadCurve curve = Create(name);
        for (double seconds = 0.05; seconds < 60; seconds += 0.05)
            Assert.Equal(seconds, curve.TimeOf(curve.ClaimsBy(TimeSpan.FromSeconds(seconds))).TotalSeconds, 1e-6);
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public void TimeOf_AnyCurve_NeverFalls(string name)
    {
        LoadCurve curve = Create(name);
        for (int claim = 1; claim < 50_000; claim++)
            Assert.True(curve.TimeOf(claim) >= curve.TimeOf(claim - 1));
    }

    [Fact]
    public void Constant_AnyTime_HasTheRate()
    {
        var curve = LoadCurve.Constant(2000);
        Assert.Equal(2000, curve.RateMax);
        Assert.Equal(20_000, curve.ClaimsBy(TimeSpan.FromSeconds(10)), 1e-6);
        Assert.Equal(TimeSpan.FromMilliseconds(0.5), curve.TimeOf(1));
    }

    [Fact]
    public void Ramp_WhileItRises_HasHalfTheClaims()
    {
        var curve = LoadCurve.Ramp(1000, TimeSpan.FromSeconds(10));
        Assert.Equal(1000, curve.RateMax);
        Assert.Equal(1250, curve.ClaimsBy(TimeSpan.FromSeconds(5)), 1e-6);
        Assert.Equal(5000, curve.ClaimsBy(TimeSpan.FromSeconds(10)), 1e-6);
        Assert.Equal(7000, curve.ClaimsBy(TimeSpan.FromSeconds(12)), 1e-6);
        Assert.Equal(TimeSpan.Zero, curve.TimeOf(0));
    }

    [Fact]
    public void Spike_FirstTwoSeconds_HaveFourFifths()
    {
        var curve = LoadCurve.Spike(50_000, TimeSpan.FromSeconds(30));
        Assert.Equal(20_000, curve.RateMax);
        Assert.Equal(40_000, curve.ClaimsBy(TimeSpan.FromSeconds(2)), 1e-6);
        Assert.Equal(50_000, curve.ClaimsBy(TimeSpan.FromSeconds(30)), 1e-6);
        // The tail thins out: its first quarter has more than half of it.
        Assert.InRange(curve.ClaimsBy(TimeSpan.FromSeconds(9)), 46_000, 47_500);
    }

    [Fact]
    public void Spike_ShortestLength_IsSteepestAtItsStart() =>
        Assert.Equal(20_000, LoadCurve.Spike(50_000, TimeSpan.FromSeconds(LoadCurve.SpikeSecondsMin)).RateMax);

    private static LoadCurve Create(string name) => name switch
    {
        "constant" => LoadCurve.Constant(1234.5),
        "ramp" => LoadCurve.Ramp(1000, TimeSpan.FromSeconds(20)),
        _ => LoadCurve.Spike(50_000, TimeSpan.FromSeconds(30)),
    };
}
