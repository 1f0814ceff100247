using FlashSale.Cli.Storm.Searching;

namespace FlashSale.Cli.Tests.Storm;

public sealed class RateSearchTests
{
    [Theory]
    [InlineData(1000, 17_300)]
    [InlineData(1000, 1000)]
    [InlineData(1000, 240)]
    [InlineData(1, 99)]
    [InlineData(40_000, 3)]
    public void Search_SomeLimit_FindsItWithinFivePercent(double first, double limit)
    {
        (RateSearch search, int steps) = Run(new RateSearch(first, max: 1_000_000), rate => rate <= limit);
        Assert.InRange(search.Passed!.Value, limit / 1.06, limit);
        Assert.InRange(steps, 2, RateSearch.StepsMax);
    }

    [Fact]
    public void Search_EverythingPasses_EndsAtTheHighest() =>
        Assert.Equal(5000, Run(new RateSearch(1000, max: 5000), _ => true).Search.Passed);

    [Fact]
    public void Search_NothingPasses_EndsWithNothing()
    {
        (RateSearch search, int steps) = Run(new RateSearch(1000, max: 5000), _ => false);
        Assert.Null(search.Passed);
        Assert.InRange(steps, 2, RateSearch.StepsMax - 1);
    }

    [Fact]
    public void Search_OneStepFailsByAccident_IsTriedAgain()
    {
        int steps = 0;
        (RateSearch search, _) = Run(new RateSearch(1000, max: 1_000_000), rate => ++steps != 2 && rate <= 30_000);
        Assert.InRange(search.Passed!.Value, 30_000 / 1.06, 30_000);
    }

    private static (RateSearch Search, int Steps) Run(RateSearch search, Func<double, bool> passes)
    {
        int steps = 0;
        while (search.Next is { } rate)
        {
            search.Report(passes(rate));
            steps++;
        }
        return (search, steps);
    }
}
