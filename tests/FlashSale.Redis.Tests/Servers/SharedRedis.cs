using StackExchange.Redis;

namespace FlashSale.Redis.Tests.Servers;

/// <summary>The Redis that the tests share: FLASHSALE_TEST_REDIS, else a private one. Each test has a key prefix of its own.</summary>
public sealed class SharedRedis : IAsyncLifetime
{
    private RedisServer? _own;
    private int _prefixes;

    public string Address { get; private set; } = "";

    public ConnectionMultiplexer Client { get; private set; } = null!;

    public RedisConnection Connection { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Address = Environment.GetEnvironmentVariable("FLASHSALE_TEST_REDIS") is { Length: > 0 } given ? given : "";
        if (Address.Length == 0)
        {
            _own = await RedisServer.StartAsync();
            Address = _own.Address;
        }

        Client = await RedisServer.OpenAsync(Address);
        Connection = NewConnection();
    }

    public async Task DisposeAsync()
    {
        await Connection.DisposeAsync();
        var server = Client.GetServer(Client.GetEndPoints()[0]);
        foreach (var key in server.Keys(pattern: $"*{Prefix}*").ToArray())
            await Client.GetDatabase().KeyDeleteAsync(key);
        Client.Dispose();
        if (_own is not null)
            await _own.DisposeAsync();
    }

    public RedisConnection NewConnection() => new(
        new RedisOptions { Endpoints = Address, KeyPrefix = $"{Prefix}{Interlocked.Increment(ref _prefixes)}", CommandTimeout = TimeSpan.FromSeconds(20) },
        TimeProvider.System);

    /// <summary>A store whose state nobody else sees.</summary>
    public RedisCouponStore NewStore() => new(NewConnection());

    private string Prefix { get; } = $"t{Environment.ProcessId}x";
}

[CollectionDefinition(Name)]
public sealed class SharedRedisCollection : ICollectionFixture<SharedRedis>
{
    public const string Name = "redis";
}
