using FlashSale.Cli.Http;

namespace FlashSale.Cli.Tests.Http;

public sealed class RequestWriterTests
{
    [Fact]
    public void Append_PathAlone_IsAGet()
    {
        var request = new RequestWriter(new byte[64]);
        request.Append("/api/users/"u8);
        request.Append(42);
        Assert.False(request.HasBody);
        Assert.Equal("/api/users/42"u8, request.Path);
        Assert.True(request.IdempotencyKey.IsEmpty);
        Assert.True(request.Body.IsEmpty);
    }

    [Fact]
    public void Append_PathKeyAndBody_AreKeptApart()
    {
        var request = new RequestWriter(new byte[64]);
        request.Append("/claims");
        request.StartKey();
        request.Append("key-"u8);
        request.Append(7);
        request.StartBody();
        request.Append("{}"u8);
        Assert.True(request.HasBody);
        Assert.Equal("/claims"u8, request.Path);
        Assert.Equal("key-7"u8, request.IdempotencyKey);
        Assert.Equal("{}"u8, request.Body);
    }

    [Fact]
    public void Append_BodyWithoutAKey_HasNone()
    {
        var request = new RequestWriter(new byte[64]);
        request.Append("/claims"u8);
        request.StartBody();
        request.Append("{}"u8);
        Assert.Equal("/claims"u8, request.Path);
        Assert.True(request.IdempotencyKey.IsEmpty);
        Assert.Equal("{}"u8, request.Body);
    }

    [Fact]
    public void Append_BeyondTheBuffer_Throws() =>
        Assert.Throws<ArgumentException>(() =>
        {
            var request = new RequestWriter(new byte[4]);
            request.Append("/claims"u8);
        });
}
