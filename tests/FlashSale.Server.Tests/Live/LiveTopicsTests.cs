using FlashSale.Server.Live;

namespace FlashSale.Server.Tests.Live;

public sealed class LiveTopicsTests
{
    [Fact]
    public void Parse_Several_KeepsEachOnce()
    {
        var (topics, error) = LiveTopics.Parse("campaign:a:b, campaign:c,user:u,campaign:c");
        Assert.Null(error);
        Assert.Equal(["a:b", "c"], topics!.Campaigns.Order());
        Assert.Equal(["u"], topics.Users);
        Assert.False(topics.AllCampaigns);
    }

    [Fact]
    public void Parse_AllCampaigns_CoversSingleOnes()
    {
        var (topics, _) = LiveTopics.Parse("campaign:a,campaigns");
        Assert.True(topics!.AllCampaigns);
        Assert.Empty(topics.Campaigns);
    }

    [Theory]
    [InlineData("", "missing")]
    [InlineData(",", "allowed")]
    [InlineData("campaign:", "ID of campaign")]
    [InlineData("campaign:a b", "ID of campaign")]
    [InlineData("user:ü", "ID of user")]
    [InlineData("campaign", "allowed")]
    [InlineData("campaigns:a", "allowed")]
    [InlineData("things:a", "allowed")]
    [InlineData("order:a", "not available yet")]
    [InlineData("campaign:a,product:b", "not available yet")]
    public void Parse_Invalid_SaysWhy(string text, string why)
    {
        var (topics, error) = LiveTopics.Parse(text);
        Assert.Null(topics);
        Assert.Contains(why, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_Bound_Is100()
    {
        Assert.NotNull(LiveTopics.Parse(string.Join(',', Enumerable.Range(0, 100).Select(i => $"campaign:{i:D64}"))).Topics);
        Assert.Contains("100", LiveTopics.Parse(string.Join(',', Enumerable.Range(0, 101).Select(i => $"user:{i}"))).Error, StringComparison.Ordinal);
        Assert.NotNull(LiveTopics.Parse(new string(',', 1_000_000)).Error);
    }
}
