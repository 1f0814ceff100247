using FlashSale.Server.Hosting;
using Microsoft.Extensions.Configuration;

namespace FlashSale.Server.Tests.Hosting;

public sealed class SettingsTests
{
    private const string Keys = "1:AAAAAAAAAAAAAAAAAAAAAA==";

    [Theory]
    [InlineData("Door:AppendsInFlightMax", "9", "Door:AppendsInFlightMax is 9; allowed: 1 to 5")]
    [InlineData("Door:WaitingMax", "0", "Door:WaitingMax is 0; allowed: 1 to 1000000")]
    [InlineData("Door:DecisionWait", "00:01:00", "Door:DecisionWait is 00:01:00; allowed: 00:00:00.1")]
    [InlineData("Live:WatchersMax", "-1", "Live:WatchersMax is -1; allowed: 0 to 1000000")]
    [InlineData("Roles", "api,cook", "Roles is 'api,cook'; allowed: api, machines, ledger")]
    [InlineData("Roles", "api", "Roles is 'api' with Profile 'embedded'; allowed: all three")]
    [InlineData("Profile", "paper", "Profile is 'paper'; allowed: servers, embedded-broker, embedded")]
    [InlineData("Engine", "steam", "Engine is 'steam'; allowed: streamiz, direct")]
    [InlineData("Engine", "1", "Engine is '1'; allowed: streamiz, direct")]
    [InlineData("Tickets:Keys", "1:short", "Tickets:Keys is malformed; allowed: id:base64")]
    [InlineData("Tickets:Keys", "1:AAAAAAAAAAAAAAAAAAAAAA==,1:AAAAAAAAAAAAAAAAAAAAAA==", "Tickets:Keys is malformed")]
    [InlineData("Auth:ApiKey", "short", "Auth:ApiKey is too short; allowed: 16 characters or more")]
    [InlineData("Auth:Mode", "Jwt", "Auth:Issuer is missing", "Auth:Audience is missing", "Auth:Key is missing or unreadable")]
    public void Read_OutOfRange_NamesKeyAndRange(string key, string value, params string[] lines)
    {
        var message = Refused(development: true, (key, value));
        Assert.Equal(lines.Length, message.Length);
        Assert.All(lines.Zip(message), l => Assert.StartsWith(l.First, l.Second, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Door:Unknown", "1", "Door", "Unknown")]
    [InlineData("Door:WaitingMax", "many", "Door", "WaitingMax")]
    [InlineData("Auth:Mode", "Perhaps", "Auth", "Mode")]
    public void Read_UnknownOrUnreadable_NamesTheKey(string key, string value, string section, string name)
    {
        var line = Assert.Single(Refused(development: true, (key, value)));
        Assert.StartsWith(section, line, StringComparison.Ordinal);
        Assert.Contains(name, line, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_StreamizWithAnEmbeddedBrokerOrWithoutThePackage_SaysWhatIsAllowed() =>
        Assert.Contains("allowed: direct", Assert.Single(Refused(development: true, ("Engine", "streamiz"))), StringComparison.Ordinal);

    [Fact]
    public void Read_StreamizWithServers_NeedsABuildThatHasIt()
    {
        (string, string)[] servers = [("Profile", "servers"), ("Kafka:BootstrapServers", "kafka:9092"), ("Roles", "machines"), ("Engine", "Streamiz")];
        if (Engines.HasStreamiz)
            Assert.Equal(EngineKind.Streamiz, Read(development: true, servers).EngineKind);
        else
            Assert.Contains("scripts/setup.sh --feed complete", Assert.Single(Refused(development: true, servers)), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_EngineNotNamed_IsTheBuildsDefault()
    {
        Assert.Equal(EngineKind.Direct, Read(development: true).EngineKind);
        Assert.Equal(Engines.HasStreamiz ? EngineKind.Streamiz : EngineKind.Direct,
            Read(development: true, ("Profile", "servers"), ("Kafka:BootstrapServers", "kafka:9092"), ("Roles", "machines")).EngineKind);
    }

    [Fact]
    public void Read_EngineNamedBesideItsSection_KeepsBoth()
    {
        var settings = Read(development: true, ("Engine", "direct"), ("Engine:BatchRecordsMax", "7"));
        Assert.Equal((EngineKind.Direct, 7), (settings.EngineKind, settings.Engine.BatchRecordsMax));
    }

    [Fact]
    public void Read_OutsideDevelopment_RefusesOpenAndMissingKeys()
    {
        var lines = Refused(development: false);
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("Auth:Mode is Open outside Development", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("Tickets:Keys is missing", lines[1], StringComparison.Ordinal);
        Assert.NotNull(Read(development: false, ("Auth:AllowOpen", "true"), ("Tickets:Keys", Keys)));
    }

    [Fact]
    public void Read_SeveralWrong_HasALineForEach() =>
        Assert.Equal(3, Refused(development: true, ("Door:WaitingMax", "0"), ("Live:WatchersMax", "-1"), ("Auth:ApiKey", "x")).Length);

    [Fact]
    public void Read_ServersWithoutLedgerRole_NeedNoDatabase()
    {
        (string, string)[] common = [("Profile", "servers"), ("Kafka:BootstrapServers", "kafka:9092")];
        Assert.NotNull(Read(development: true, [.. common, ("Roles", "api,machines")]));
        Assert.StartsWith("MySql:ConnectionString is missing", Assert.Single(Refused(development: true, [.. common, ("Roles", "ledger")])), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_Sasl_NeedsUserPasswordAndAKnownMechanism() =>
        Assert.Equal(
            [
                "Kafka:SaslMechanism is Gssapi; allowed: Plain, ScramSha256, ScramSha512",
                "Kafka:SaslUsername is missing; Kafka:SecurityProtocol=SaslSsl needs it",
                "Kafka:SaslPassword is missing; Kafka:SecurityProtocol=SaslSsl needs it",
            ],
            Refused(development: true, ("Profile", "servers"), ("Roles", "api"), ("Kafka:BootstrapServers", "kafka:9092"),
                ("Kafka:SecurityProtocol", "SaslSsl"), ("Kafka:SaslMechanism", "Gssapi")));

    [Fact]
    public async Task Run_BadSettings_ExitsWith1() =>
        Assert.Equal(1, await ServerHost.RunAsync(["--environment", "Development", "--Profile", "embedded", "--Door:WaitingMax", "0"]));

    [Fact]
    public async Task Run_PortTaken_ExitsWith1()
    {
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        Assert.Equal(1, await ServerHost.RunAsync(["--environment", "Development", "--Profile", "embedded", "--urls", $"http://{taken.LocalEndpoint}"]));
    }

    private static string[] Refused(bool development, params (string Key, string Value)[] values) =>
        Assert.Throws<SettingsException>(() => Read(development, values)).Message.Split(Environment.NewLine);

    private static Settings Read(bool development, params (string Key, string Value)[] values)
    {
        var all = values.ToDictionary(v => v.Key, v => (string?)v.Value);
        all.TryAdd("Profile", "embedded");
        return Settings.Read(new ConfigurationBuilder().AddInMemoryCollection(all).Build(), development);
    }
}
