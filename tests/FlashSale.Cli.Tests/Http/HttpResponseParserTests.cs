using System.Text;
using FlashSale.Cli.Http;

namespace FlashSale.Cli.Tests.Http;

public sealed class HttpResponseParserTests
{
    private const string WithLength = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\ncontent-length: 5\r\nDate: x\r\n\r\nhello";
    private const string Chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, world, a\r\n0\r\nTrailer: z\r\n\r\n";
    private const string Continued = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";

    [Theory]
    [InlineData(WithLength, 202, "hello")]
    [InlineData(Chunked, 200, "hello, world, a")]
    [InlineData(Continued, 204, "")]
    [InlineData("HTTP/1.1 409 \r\nContent-Length: 0\r\n\r\n", 409, "")]
    public void TryParse_AnswerArrivesByteByByte_IsCompleteOnlyAtItsEnd(string text, int status, string body)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int length = 0; length < bytes.Length; length++)
        {
            byte[] part = bytes[..length];
            Assert.Equal(ParseStatus.NeedMore, HttpResponseParser.TryParse(part, endOfStream: false, out _, out _));
            Assert.Equal(bytes[..length], part);
        }
        Assert.Equal(ParseStatus.Complete, HttpResponseParser.TryParse(bytes, endOfStream: false, out HttpAnswer answer, out int consumed));
        Assert.Equal(status, answer.Status);
        Assert.Equal(body, Encoding.UTF8.GetString(answer.Body));
        Assert.Equal(text.Length, consumed);
        Assert.False(answer.Close);
    }

    [Fact]
    public void TryParse_TwoAnswersOnOneConnection_TakesTheFirst()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(WithLength + Chunked);
        Assert.Equal(ParseStatus.Complete, HttpResponseParser.TryParse(bytes, endOfStream: false, out _, out int consumed));
        Assert.Equal(WithLength.Length, consumed);
        Assert.Equal(ParseStatus.Complete, HttpResponseParser.TryParse(bytes.AsSpan(consumed), endOfStream: false, out HttpAnswer second, out _));
        Assert.Equal(200, second.Status);
    }

    [Fact]
    public void TryParse_NoLength_EndsWithTheConnection()
    {
        byte[] bytes = Encoding.UTF8.GetBytes("HTTP/1.1 200 OK\r\n\r\nabc");
        Assert.Equal(ParseStatus.NeedMore, HttpResponseParser.TryParse(bytes, endOfStream: false, out _, out _));
        Assert.Equal(ParseStatus.Complete, HttpResponseParser.TryParse(bytes, endOfStream: true, out HttpAnswer answer, out _));
        Assert.Equal("abc", Encoding.UTF8.GetString(answer.Body));
        Assert.True(answer.Close);
    }

    [Theory]
    [InlineData(WithLength)]
    [InlineData(Chunked)]
    public void TryParse_ConnectionEndsInTheMiddle_IsInvalid(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text[..^1]);
        Assert.Equal(ParseStatus.Invalid, HttpResponseParser.TryParse(bytes, endOfStream: true, out _, out _));
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n\r\n")]
    [InlineData("HTTP/2 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 xx OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n")]
    public void TryParse_NotHttp_IsInvalid(string text) =>
        Assert.Equal(ParseStatus.Invalid, HttpResponseParser.TryParse(Encoding.UTF8.GetBytes(text), endOfStream: false, out _, out _));

    [Fact]
    public void TryParse_Headers_AreRead()
    {
        byte[] bytes = Encoding.UTF8.GetBytes("HTTP/1.1 503 Service Unavailable\r\nRETRY-AFTER:  7 \r\nConnection: Close\r\nContent-Length:0\r\n\r\n");
        Assert.Equal(ParseStatus.Complete, HttpResponseParser.TryParse(bytes, endOfStream: false, out HttpAnswer answer, out _));
        Assert.Equal(503, answer.Status);
        Assert.Equal(7, answer.RetryAfterSeconds);
        Assert.True(answer.Close);
    }
}
