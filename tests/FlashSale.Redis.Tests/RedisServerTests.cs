using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FlashSale.Chaos.Processes;
using FlashSale.Core.Engine;
using FlashSale.Redis.Tests.Coupons;
using FlashSale.Redis.Tests.Servers;

namespace FlashSale.Redis.Tests;

/// <summary>Servers that are down, slow, killed or set up wrongly.</summary>
public sealed class RedisServerTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan BackMax = TimeSpan.FromSeconds(15);

    [OwnServerFact]
    public async Task Checks_PolicyThatEvicts_IsRefused()
    {
        await using var server = await RedisServer.StartAsync("--maxmemory-policy", "allkeys-lru");
        await using var connection = Open(server.Address);
        var refused = await Assert.ThrowsAsync<RedisRefusedException>(() => RedisChecks.RunAsync(connection));
        Assert.Contains("allkeys-lru", refused.Message, StringComparison.Ordinal);
        Assert.Contains("maxmemory-policy noeviction", refused.Message, StringComparison.Ordinal);
    }

    [OwnServerFact]
    public async Task Checks_NoPersistence_IsAWarning()
    {
        await using var server = await RedisServer.StartAsync();
        await using var connection = Open(server.Address);
        Assert.Contains("persists nothing", Assert.Single(await RedisChecks.RunAsync(connection)), StringComparison.Ordinal);
    }

    [OwnServerFact]
    public async Task Checks_AppendOnlyRewrittenLateOrNever_IsGood()
    {
        foreach (var (setting, value) in new[] { ("--auto-aof-rewrite-min-size", "1gb"), ("--auto-aof-rewrite-percentage", "0") })
        {
            await using var server = await RedisServer.StartAsync("--appendonly", "yes", setting, value);
            await using var connection = Open(server.Address);
            Assert.Empty(await RedisChecks.RunAsync(connection));
        }
    }

    [OwnServerFact]
    public async Task Checks_AppendOnlyRewrittenDuringSales_IsAWarning()
    {
        await using var server = await RedisServer.StartAsync("--appendonly", "yes");
        await using var connection = Open(server.Address);
        Assert.Contains("from 64 MB on", Assert.Single(await RedisChecks.RunAsync(connection)), StringComparison.Ordinal);
    }

    [OwnServerFact]
    public async Task Checks_QuestionsForbidden_AreWarnings()
    {
        await using var server = await RedisServer.StartAsync("--rename-command", "CONFIG", "", "--rename-command", "INFO", "");
        await using var connection = Open(server.Address);
        var warnings = await RedisChecks.RunAsync(connection);
        Assert.Collection(warnings,
            w => Assert.Contains("maxmemory-policy", w, StringComparison.Ordinal),
            w => Assert.Contains("whether it persists", w, StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnyCall_ServerDown_FailsWithinTheDeadline()
    {
        await using var connection = Open($"127.0.0.1:{Ports.OfThisProcess.Next()}");
        var store = new RedisCouponStore(connection);
        await AssertAllFailAsync(store);
        await connection.ConnectAsync(CancellationToken.None);
        Assert.False(connection.IsConnected);
        var start = Stopwatch.GetTimestamp();
        await AssertAllFailAsync(store);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(2));
    }

    [OwnServerFact]
    public async Task AnyCall_ServerSilent_FailsWithinTheDeadline()
    {
        await using var server = await RedisServer.StartAsync();
        await using var connection = Open(server.Address);
        var store = new RedisCouponStore(connection);
        await StartAsync(store);
        using (var client = await RedisServer.OpenAsync(server.Address))
        {
            await client.GetDatabase().ExecuteAsync("CLIENT", "PAUSE", "3000", "ALL");
            var start = Stopwatch.GetTimestamp();
            await AssertAllFailAsync(store);
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(2.9));
        }

        await BackAsync(store, FenceState.Held);
    }

    [OwnServerFact]
    public async Task AnyCall_ConnectionDiesWithoutAWord_IsReplaced()
    {
        await using var server = await RedisServer.StartAsync();
        await using var relay = new DeafRelay(server.Port);
        await using var connection = Open($"127.0.0.1:{relay.Port}");
        var store = new RedisCouponStore(connection);
        await StartAsync(store);
        relay.DeafenOpenConnections();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ApplyAsync(0, SaleOf.Batch(3, 3)));
        await BackAsync(store, FenceState.Held);
    }

    [OwnServerFact]
    public async Task AnyCall_ServerComesUpLater_WorksWithoutANewConnection()
    {
        await using var server = await RedisServer.StartAsync();
        await server.KillAsync();
        await using var connection = Open(server.Address);
        var store = new RedisCouponStore(connection);
        await AssertAllFailAsync(store);
        await connection.ConnectAsync(CancellationToken.None);
        await server.StartAgainAsync();
        await BackAsync(store, FenceState.Missing);
        await StartAsync(store);
    }

    [OwnServerFact]
    public async Task AnyCall_ServerKilledAndStarted_WorksWithoutANewConnection()
    {
        await using var server = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using var connection = Open(server.Address);
        var store = new RedisCouponStore(connection);
        await StartAsync(store);

        await server.KillAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ApplyAsync(0, SaleOf.Batch(3, 3)));
        await server.StartAgainAsync();

        var found = await BackAsync(store, FenceState.Held);
        Assert.Equal(SaleOf.At(2), found.Applied);
        Assert.Equal(FenceState.Held, (await store.ApplyAsync(0, SaleOf.Batch(3, 3, found.Token))).State);
    }

    /// <summary>To refuse at once would be answered by asking again at once, and the thread that does both is the one that a new connection needs.</summary>
    [OwnServerFact]
    public async Task Read_NoConnection_WaitsForItToReturn()
    {
        await using var server = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using var connection = new RedisConnection(
            new RedisOptions { Endpoints = server.Address, CommandTimeout = BackMax, ConnectTimeout = Timeout }, TimeProvider.System);
        var store = new RedisCouponStore(connection);
        await StartAsync(store);
        await server.KillAsync();
        for (var start = Stopwatch.GetTimestamp(); connection.IsConnected && Stopwatch.GetElapsedTime(start) < BackMax;)
            await Task.Delay(20);
        Assert.False(connection.IsConnected);

        var reads = Enumerable.Range(0, 100).Select(_ => store.ReadPartitionAsync(0, SaleOf.Genesis.Log)).ToList();
        await Task.Delay(200);
        Assert.DoesNotContain(reads, r => r.IsCompleted);
        await server.StartAgainAsync();
        Assert.All(await Task.WhenAll(reads).WaitAsync(BackMax), p => Assert.Equal(SaleOf.At(2), p!.Applied));
    }

    [OwnServerFact]
    public async Task Apply_MemoryFull_ChangesNothingAndSaysSo()
    {
        await using var server = await RedisServer.StartAsync();
        await using var connection = Open(server.Address);
        var store = new RedisCouponStore(connection);
        await StartAsync(store);
        using var client = await RedisServer.OpenAsync(server.Address);
        await client.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ApplyAsync(0, SaleOf.Batch(3, 3)));
        Assert.Contains("maxmemory", refused.Message, StringComparison.Ordinal);
        await client.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        Assert.Equal(FenceState.Held, (await store.ApplyAsync(0, SaleOf.Batch(3, 3))).State);
    }

    [OwnServerFact]
    public async Task AnyCall_PasswordWrong_SaysNoConnection()
    {
        await using var server = await RedisServer.StartAsync("--requirepass", "secret");
        await using var wrong = new RedisConnection(new RedisOptions { Endpoints = server.Address, Password = "guess", CommandTimeout = Timeout, ConnectTimeout = Timeout }, TimeProvider.System);
        await AssertAllFailAsync(new RedisCouponStore(wrong));
        await using var right = new RedisConnection(new RedisOptions { Endpoints = server.Address, Password = "secret" }, TimeProvider.System);
        await StartAsync(new RedisCouponStore(right));
    }

    [OwnServerFact]
    public async Task Tls_AuthorityGiven_WorksAndAnotherOneIsRefused()
    {
        var folder = Directory.CreateTempSubdirectory("flashsale-tls-");
        try
        {
            var (ca, certificate, key) = WriteCertificates(folder.FullName);
            var (otherCa, _, _) = WriteCertificates(folder.CreateSubdirectory("other").FullName);
            var port = Ports.OfThisProcess.Next();
            await using var server = await RedisServer.StartAsync(
                "--tls-port", $"{port}", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", ca, "--tls-auth-clients", "no");

            await using var trusting = new RedisConnection(new RedisOptions { Endpoints = $"localhost:{port}", Tls = true, TlsCaFile = ca }, TimeProvider.System);
            await StartAsync(new RedisCouponStore(trusting));
            await using var doubting = new RedisConnection(
                new RedisOptions { Endpoints = $"localhost:{port}", Tls = true, TlsCaFile = otherCa, CommandTimeout = Timeout, ConnectTimeout = Timeout }, TimeProvider.System);
            await AssertAllFailAsync(new RedisCouponStore(doubting));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static (string Ca, string Certificate, string Key) WriteCertificates(string folder)
    {
        var from = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var to = from.AddYears(100);
        using var caKey = RSA.Create(2048);
        var caRequest = new CertificateRequest("CN=authority", caKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var ca = caRequest.CreateSelfSigned(from, to);
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(ca, from, to, [1, 2, 3]);
        return (Write("ca.pem", ca.ExportCertificatePem()), Write("server.pem", certificate.ExportCertificatePem()), Write("key.pem", key.ExportPkcs8PrivateKeyPem()));

        string Write(string name, string text)
        {
            var path = Path.Combine(folder, name);
            File.WriteAllText(path, text);
            return path;
        }
    }

    private static RedisConnection Open(string address) =>
        new(new RedisOptions { Endpoints = address, CommandTimeout = Timeout, ConnectTimeout = Timeout }, TimeProvider.System);

    private static async Task StartAsync(RedisCouponStore store)
    {
        Assert.Equal(FenceState.Held, await store.ResetAsync(0, SaleOf.Genesis, SaleOf.Owner));
        Assert.Equal(FenceState.Held, (await store.ApplyAsync(0, SaleOf.Batch(1, 2))).State);
    }

    private static async Task AssertAllFailAsync(RedisCouponStore store)
    {
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ApplyAsync(0, SaleOf.Batch(1, 1)));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.TakeOverAsync(0, SaleOf.Genesis.Log, 1));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ReadPartitionAsync(0, SaleOf.Genesis.Log));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ReadClaimAsync(SaleOf.Question(2)));
    }

    private static async Task<TakeOverResult> BackAsync(RedisCouponStore store, FenceState expected)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                var found = await store.TakeOverAsync(0, SaleOf.Genesis.Log, 9);
                Assert.Equal(expected, found.State);
                return found;
            }
            catch (StoreUnavailableException) when (Stopwatch.GetElapsedTime(start) < BackMax)
            {
                await Task.Delay(50);
            }
        }
    }
}
