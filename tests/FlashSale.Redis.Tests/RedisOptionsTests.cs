using FlashSale.Core.Configuration;

namespace FlashSale.Redis.Tests;

public sealed class RedisOptionsTests
{
    public static TheoryData<string, RedisOptions> Wrong() => new()
    {
        { "Redis:Endpoints", new RedisOptions { Endpoints = "" } },
        { "Redis:Endpoints", new RedisOptions { Endpoints = "localhost" } },
        { "Redis:Endpoints", new RedisOptions { Endpoints = "a:6379,b:0" } },
        { "Redis:Endpoints", new RedisOptions { Endpoints = ":6379" } },
        { "Redis:KeyPrefix", new RedisOptions { KeyPrefix = "a}b" } },
        { "Redis:KeyPrefix", new RedisOptions { KeyPrefix = new string('a', 33) } },
        { "Redis:CommandTimeout", new RedisOptions { CommandTimeout = TimeSpan.Zero } },
        { "Redis:ConnectTimeout", new RedisOptions { ConnectTimeout = TimeSpan.FromHours(1) } },
        { "Redis:User", new RedisOptions { User = "somebody", Password = ClientSettings.CanNameUser ? null : "x" } },
        { "Redis:TlsCaFile", new RedisOptions { TlsCaFile = "ca.pem" } },
        { "Redis:TlsCaFile", new RedisOptions { Tls = true, TlsCaFile = "/nowhere/ca.pem" } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Validate_WrongValue_NamesTheKey(string key, RedisOptions options) =>
        Assert.StartsWith(key + " ", Assert.Single(Check(options)), StringComparison.Ordinal);

    [Fact]
    public void Validate_Defaults_AreGood() => Assert.Empty(Check(new RedisOptions()));

    [Fact]
    public void Validate_Cluster_IsGood() => Assert.Empty(Check(new RedisOptions { Endpoints = "a:6379, b:6379,[::1]:7000", KeyPrefix = "shop-1", Tls = true }));

    [Fact]
    public void Keys_OfAPartition_ShareOneHashTag()
    {
        Assert.All(new RedisKeys("", "coupon").Of(7), k => Assert.StartsWith("{c7}:", k, StringComparison.Ordinal));
        Assert.All(new RedisKeys("shop", "coupon").Of(7), k => Assert.StartsWith("{shop-c7}:", k, StringComparison.Ordinal));
        Assert.Equal(6, new RedisKeys("", "coupon").Of(7).Distinct().Count());
    }

    private static IEnumerable<string> Check(RedisOptions options) => OptionsCheck.Run(RedisOptions.Section, options);
}
