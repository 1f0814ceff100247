using System.Text;
using FlashSale.Cli.Http;

namespace FlashSale.Cli.Tests.Http;

public sealed class AnswerReaderTests
{
    [Theory]
    [InlineData("""{"ticket":"t1","state":"issued","couponCode":"ABC"}""", "Issued", "ABC")]
    [InlineData("""{"couponCodes":[{"state":"x"}],"reason":"already-claimed","state":"refused"}""", "Refused", "already-claimed")]
    [InlineData("""{"state":"waiting","position":5}""", "Waiting", "")]
    [InlineData("""{"state":"issued"}""", "Unreadable", "")]
    [InlineData("""{"state":"refused","reason":null}""", "Unreadable", "")]
    [InlineData("""{"state":"lost"}""", "Unreadable", "")]
    [InlineData("""{"state":""", "Unreadable", "")]
    [InlineData("[]", "Unreadable", "")]
    [InlineData("", "Unreadable", "")]
    public void Decision_Body_IsRead(string body, string state, string detail)
    {
        DecisionState found = AnswerReader.Decision(Encoding.UTF8.GetBytes(body), out ReadOnlySpan<byte> read);
        Assert.Equal(state, found.ToString());
        Assert.Equal(detail, Encoding.UTF8.GetString(read));
    }

    [Theory]
    [InlineData("""[{"code":"A","campaignId":"c"},{"code":"B","campaignId":"d"}]""")]
    [InlineData("""{"items":[{"couponCode":"A","campaign":"c","state":"issued"}],"next":null}""")]
    public void TryReadCoupons_HoweverWrapped_FindsThoseOfTheCampaign(string body)
    {
        var codes = new List<string>();
        Assert.True(AnswerReader.TryReadCoupons(Encoding.UTF8.GetBytes(body), "c", codes));
        Assert.Equal(["A"], codes);
    }

    [Fact]
    public void TryReadCoupons_NotJson_IsNotRead() => Assert.False(AnswerReader.TryReadCoupons("oops"u8, "c", []));
}
