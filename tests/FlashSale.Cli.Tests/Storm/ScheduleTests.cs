using FlashSale.Cli.Storm;

namespace FlashSale.Cli.Tests.Storm;

public sealed class ScheduleTests
{
    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(1, 1, 2)]
    [InlineData(1000, 0.05, 1050)]
    [InlineData(1000, 1, 2000)]
    [InlineData(3, 0.5, 5)]
    public void Create_AnyShare_HasEachUserOnceAndTheShareTwice(int users, double share, int expected)
    {
        Schedule schedule = Schedule.Create(users, share, LoadCurve.Constant(100), Spacing.Even, seed: 3);
        Assert.Equal(expected, schedule.Count);
        Assert.Equal(expected - users, schedule.Repeats);
        int[] claims = new int[users];
        for (int slot = 0; slot < schedule.Count; slot++)
        {
            int user = schedule.UserOf(slot);
            // The second comes after the first.
            Assert.Equal(schedule.IsRepeat(slot), claims[user] == 1);
            claims[user]++;
        }
        Assert.All(claims, count => Assert.InRange(count, 1, 2));
    }

    [Fact]
    public void Create_Repeats_LieAnywhereAfterTheFirst()
    {
        Schedule schedule = Schedule.Create(10_000, 0.1, LoadCurve.Constant(100), Spacing.Even, seed: 3);
        int[] repeats = [.. Enumerable.Range(0, schedule.Count).Where(schedule.IsRepeat)];
        // Uniform between the first claim and the end: on average at three quarters.
        Assert.InRange(repeats.Average() / schedule.Count, 0.7, 0.8);
    }

    [Fact]
    public void Create_SameSeed_IsTheSame()
    {
        Schedule one = Schedule.Create(500, 0.2, LoadCurve.Constant(100), Spacing.Poisson, seed: 9);
        Schedule other = Schedule.Create(500, 0.2, LoadCurve.Constant(100), Spacing.Poisson, seed: 9);
        Assert.All(Enumerable.Range(0, one.Count), slot =>
        {
            Assert.Equal(one.UserOf(slot), other.UserOf(slot));
            Assert.Equal(one.IntendedAt(slot), other.IntendedAt(slot));
        });
    }

    [Fact]
    public void IntendedAt_Even_DependsOnTheRateAlone()
    {
        Schedule schedule = Schedule.Create(1000, 0, LoadCurve.Constant(2000), Spacing.Even, seed: 1);
        Assert.Equal(TimeSpan.Zero, schedule.IntendedAt(0));
        Assert.Equal(TimeSpan.FromMilliseconds(0.5), schedule.IntendedAt(1));
        Assert.Equal(TimeSpan.FromMilliseconds(250), schedule.IntendedAt(500));
    }

    [Fact]
    public void IntendedAt_Poisson_RisesAtTheRateOnAverage()
    {
        Schedule schedule = Schedule.Create(20_000, 0, LoadCurve.Constant(1000), Spacing.Poisson, seed: 1);
        for (int slot = 1; slot < schedule.Count; slot++)
            Assert.True(schedule.IntendedAt(slot) >= schedule.IntendedAt(slot - 1));
        Assert.InRange(schedule.Length.TotalSeconds, 19, 21);
    }

    [Fact]
    public void UsersFor_Claims_CountsRepeatsToo()
    {
        int users = Schedule.UsersFor(claims: 600_000, repeatShare: 0.05);
        Schedule schedule = Schedule.Create(users, 0.05, LoadCurve.Constant(10_000), Spacing.Even, seed: 1);
        Assert.InRange(schedule.Length.TotalSeconds, 59.99, 60.01);
    }

    [Fact]
    public void IntendedAt_PoissonOnASpike_FollowsTheCurve()
    {
        Schedule schedule = Schedule.Create(10_000, 0, LoadCurve.Spike(10_000, TimeSpan.FromSeconds(30)), Spacing.Poisson, seed: 1);
        int rush = Enumerable.Range(0, schedule.Count).Count(slot => schedule.IntendedAt(slot) < TimeSpan.FromSeconds(2));
        Assert.InRange(rush, 7_700, 8_300);
    }
}
