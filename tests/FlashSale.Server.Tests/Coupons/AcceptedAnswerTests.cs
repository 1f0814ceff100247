using System.Text;
using System.Text.Json;
using FlashSale.Server.Coupons;
using FlashSale.Server.Http;

namespace FlashSale.Server.Tests.Coupons;

public sealed class AcceptedAnswerTests
{
    [Theory]
    [InlineData("AQERERERIiIzM0REVVVVVVVVAAcA-_A", 1)]
    [InlineData("A", 0)]
    [InlineData("AQ", long.MaxValue)]
    [InlineData("AQE", long.MinValue)]
    public void Json_AnyTicket_IsWhatTheSerializerWrites(string ticket, long position)
    {
        var url = "/api/claims/" + ticket;
        var expected = JsonSerializer.SerializeToUtf8Bytes(new ClaimAccepted(ticket, "waiting", position, url), ServerJson.Default.ClaimAccepted);
        Assert.Equal(Encoding.UTF8.GetString(expected), Encoding.UTF8.GetString(AcceptedAnswer.Json(url, position)));
    }
}
