using FlashSale.Core.Door;

namespace FlashSale.Core.Tests.Door;

public sealed class UserLimitTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();
    private readonly DoorOptions _options = new() { UserLimit = 2, UserLimitUsersMax = 3 };

    [Fact]
    public void TryTake_NoLimit_NeverRefuses()
    {
        var limit = new UserLimit(new DoorOptions(), _time);
        for (var i = 0; i < 1_000; i++)
            Assert.True(limit.TryTake("a", out _));
    }

    [Fact]
    public void TryTake_OverTheLimit_IsRefusedUntilTheWindowEnds()
    {
        var limit = new UserLimit(_options, _time);
        Assert.True(limit.TryTake("a", out _));
        _time.Advance(4 * Second);
        Assert.True(limit.TryTake("a", out _));
        Assert.False(limit.TryTake("a", out var retryAfter));
        Assert.Equal(6 * Second, retryAfter);
        Assert.True(limit.TryTake("b", out _));

        _time.Advance(6 * Second);
        Assert.True(limit.TryTake("a", out _));
    }

    [Fact]
    public void TryTake_MoreUsersThanAreCounted_BeginsAnewAndRefusesNobodyWrongly()
    {
        var limit = new UserLimit(_options, _time);
        Assert.True(limit.TryTake("a", out _));
        Assert.True(limit.TryTake("a", out _));
        Assert.True(limit.TryTake("b", out _));
        Assert.False(limit.TryTake("a", out _));
        Assert.True(limit.TryTake("c", out _));
        Assert.True(limit.TryTake("d", out _));
        Assert.True(limit.TryTake("a", out _));
    }
}
