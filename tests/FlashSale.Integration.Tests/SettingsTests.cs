using System.Net;
using System.Net.Sockets;
using FlashSale.Integration.Tests.Harness;

namespace FlashSale.Integration.Tests;

/// <summary>What the process says when it cannot start: one line, exit code 1. Needs no servers.</summary>
[Trait("Engine", "any")]
public sealed class SettingsTests(ITestOutputHelper output)
{
    private static readonly TimeSpan ExitTimeout = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("Engine:BatchRecordsMax", "0", "Engine:BatchRecordsMax", "1 to 1000")]
    [InlineData("Engine:BatchRecordsMax", "many", "Engine:BatchRecordsMax", "many")]
    [InlineData("Engine:Batches", "3", "Engine", "Batches")]
    [InlineData("Kafka:Partitions", "0", "Kafka:Partitions", "1 to 1024")]
    [InlineData("Kafka:BootstrapServers", "", "Kafka:BootstrapServers", "missing")]
    [InlineData("Redis:Endpoints", "nowhere", "Redis:Endpoints", "host:port")]
    [InlineData("MySql:ConnectionString", "", "MySql:ConnectionString", "Server=HOST")]
    [InlineData("Ledger:RowsMax", "0", "Ledger:RowsMax", "1")]
    [InlineData("Door:WaitingMax", "-1", "Door:WaitingMax", "1 to 1000000")]
    [InlineData("Roles", "foo", "Roles", "api, machines, ledger")]
    [InlineData("Engine", "steam", "Engine", "streamiz, direct")]
    [InlineData("Streamiz:Threads", "0", "Streamiz:Threads", "1 to 64")]
    [InlineData("Profile", "cloud", "Profile", "servers, embedded-broker, embedded")]
    [InlineData("Tickets:Keys", "1:short", "Tickets:Keys", "16 bytes")]
    public async Task Start_BadSetting_SaysWhichAndWhatIsAllowed(string key, string value, string names, string allowed)
    {
        await using var server = ServerProcess.Start("bad", new Dictionary<string, string>(Settings()) { [key] = value });
        await AssertRefusedAsync(server, names, allowed);
    }

    [Fact]
    public async Task Start_ProductionWithoutTicketKeys_SaysSo()
    {
        var settings = Settings();
        settings["ASPNETCORE_ENVIRONMENT"] = "Production";
        settings["Auth:AllowOpen"] = "true";
        await using var server = ServerProcess.Start("bad", settings);
        await AssertRefusedAsync(server, "Tickets:Keys", "16 bytes");
    }

    [Fact]
    public async Task Start_ProductionWithOpenCallers_SaysSo()
    {
        var settings = Settings();
        settings["ASPNETCORE_ENVIRONMENT"] = "Production";
        settings["Tickets:Keys"] = "1:Zmxhc2hzYWxlIGRldmVsb3BtZW50IHRpY2tldCBrZXk=";
        await using var server = ServerProcess.Start("bad", settings);
        await AssertRefusedAsync(server, "Auth:Mode", "Auth:AllowOpen");
    }

    [Fact]
    public async Task Start_PortTaken_SaysSo()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await using var server = ServerProcess.Start("bad", Settings(), port);
        await AssertRefusedAsync(server, $"127.0.0.1:{port}", "ASPNETCORE_URLS");
    }

    private static Dictionary<string, string> Settings() => new()
    {
        ["Kafka:BootstrapServers"] = "127.0.0.1:1",
        ["Redis:Endpoints"] = "127.0.0.1:1",
        ["MySql:ConnectionString"] = "Server=127.0.0.1;Port=1;Database=flashsale;User Id=nobody",
    };

    private async Task AssertRefusedAsync(ServerProcess server, params string[] texts)
    {
        var code = await server.ExitAsync(ExitTimeout);
        foreach (var line in server.Tail(20))
            output.WriteLine(line);
        Assert.Equal(1, code);
        var error = Assert.Single(server.Errors);
        Assert.All(texts, text => Assert.Contains(text, error, StringComparison.Ordinal));
    }
}
