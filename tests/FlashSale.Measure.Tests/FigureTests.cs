namespace FlashSale.Measure.Tests;

public sealed class FigureTests
{
    [Theory]
    [InlineData(new[] { 3.0 }, 3.0)]
    [InlineData(new[] { 9.0, 1.0, 5.0 }, 5.0)]
    [InlineData(new[] { 4.0, 1.0, 2.0, 9.0 }, 3.0)]
    public void Median_IsTheMiddle(double[] values, double expected) => Assert.Equal(expected, Figure.Median(values));

    [Fact]
    public void Ratio_IsTheMedianOfTheRoundsRatios()
    {
        // The machine was twice as slow in the second round: ours and twin alike.
        var figure = new Figure("f", "1/s", [80, 40, 70], [100, 50, 100], Goal.RatioAtLeast, 0.8);
        Assert.Equal((0.8, 0.7, 0.8), (figure.Compared, figure.Spread.Lowest, figure.Spread.Highest));
        Assert.True(figure.Met);
        Assert.False((figure with { Limit = 0.81 }).Met);
    }

    [Theory]
    [InlineData(Goal.AtMost, 10, true)]
    [InlineData(Goal.AtMost, 9.9, false)]
    [InlineData(Goal.AtLeast, 10, true)]
    [InlineData(Goal.AtLeast, 10.1, false)]
    [InlineData(Goal.RatioAtMost, 2, true)]
    [InlineData(Goal.RatioAtMost, 1.9, false)]
    [InlineData(Goal.DifferenceAtMost, 5, true)]
    [InlineData(Goal.DifferenceAtMost, 4.9, false)]
    [InlineData(Goal.None, 0, null)]
    internal void Met_ComparesWithTheLimit(Goal goal, double limit, bool? met) => Assert.Equal(met, new Figure("f", "ms", [10], [5], goal, limit).Met);

    [Fact]
    public void NothingMeasured_DoesNotMeetAGoal() => Assert.False(new Figure("f", "ms", [], [], Goal.AtMost, 1).Met);
}
