using System.Security.Cryptography;
using Dapper;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using FlashSale.Integration.Tests.Harness;
using StackExchange.Redis;
using CommandLine = FlashSale.Cli.CommandLine;

namespace FlashSale.Integration.Tests;

/// <summary>The audit and the certificate against real servers: no alarm on what is right, and some corruptions of each kind are found.</summary>
[Collection(Servers.Name)]
[Trait("Engine", "any")]
public sealed class AuditTests(Stack stack, ITestOutputHelper output) : IDisposable
{
    private const string Campaign = "spring";
    private const int Quantity = 300;

    private readonly string _folder = Directory.CreateTempSubdirectory("flashsale-audit-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [ServersFact]
    public async Task Audit_SaleWithStorm_IsExactAndCertified()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("one");
        await StormAsync(installation, server);

        var audit = await AuditAsync(installation, "--told", Told, "--settled", "--json", At("audit.json"));
        Assert.Contains("EXACT: no difference", audit.Output, StringComparison.Ordinal);
        Assert.Contains($"{Campaign}: {Quantity} of {Quantity} issued", audit.Output, StringComparison.Ordinal);
        Assert.Equal((0, ""), (audit.ExitCode, audit.Error));
        Assert.Contains("\"result\": \"fine\"", await File.ReadAllTextAsync(At("audit.json")), StringComparison.Ordinal);

        await AssertCertificateAsync(installation);
    }

    [ServersFact]
    public async Task Audit_SaleGoesOn_RaisesNoAlarm()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("one");
        using var sale = new Sale(server);
        await sale.OpenAsync("running", quantity: 100_000, perUser: 2);
        await using var storm = Storm.Begin(sale, 1_000, "running");
        for (var i = 0; i < 4; i++)
        {
            await storm.AcceptedAsync(300, TimeSpan.FromSeconds(10));
            var audit = await AuditAsync(installation);
            Assert.True(audit.ExitCode == 0, audit.Output + audit.Error);
        }
    }

    [ServersFact]
    public async Task Audit_Corruptions_AreFound()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("one");
        await StormAsync(installation, server);
        Assert.Equal(0, (await AuditAsync(installation, "--told", Told, "--settled")).ExitCode);
        // What is planted must not be mended meanwhile.
        server.Terminate();
        await server.ExitAsync(TimeSpan.FromSeconds(20));

        await AssertLedgerCorruptionsAsync(installation);
        await AssertRedisCorruptionsAsync(installation);
        await AssertToldCorruptionsAsync(installation);
        Assert.Equal(0, (await AuditAsync(installation, "--told", Told, "--settled")).ExitCode);
        await AssertEventCorruptionsAsync(installation);
    }

    [ServersFact]
    public async Task Audit_CannotLook_SaysWhy()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        await using var other = await Installation.CreateAsync(stack, output);
        await AssertRefusedAsync(installation, "there is no topic");
        var server = await installation.StartReadyAsync("one");
        var second = await other.StartReadyAsync("two");
        await StormAsync(installation, server);
        using (var sale = new Sale(second))
            await sale.OpenAsync(Campaign, quantity: 5);

        await AssertRefusedAsync(installation, "there is no campaign winter in the log", "--campaign", "winter");
        await AssertRefusedAsync(installation, "another cluster's Redis", "--redis-prefix", other.RedisPrefix);
        await AssertRefusedAsync(installation, "another cluster's database", "--ledger", other.ConnectionString);
        await AssertRefusedAsync(other, "this is another cluster's, or the topics were created anew", "--told", Told);
        await AssertRefusedAsync(installation, "Kafka at 127.0.0.1:1 does not answer", "--kafka", "127.0.0.1:1");
        await AssertRefusedAsync(installation, "Redis at 127.0.0.1:1 does not answer", "--redis", "127.0.0.1:1");
        await AssertRefusedAsync(installation, "--told /nowhere", "--told", "/nowhere/told.txt");

        var missing = await AuditAsync(installation, "--redis-prefix", "nobody");
        Assert.Equal(2, missing.ExitCode);
        Assert.Contains("NOT COMPARED: the state of partition", missing.Output, StringComparison.Ordinal);

        var interrupted = await AuditAsync(installation, new CancellationToken(canceled: true));
        Assert.Equal((130, "flashsale: interrupted\n"), (interrupted.ExitCode, interrupted.Error));
    }

    private string Told => At("told.txt");

    private string At(string file) => Path.Combine(_folder, file);

    /// <summary>Sells out, and records what was told.</summary>
    private async Task StormAsync(Installation installation, ServerProcess server)
    {
        var storm = await RunAsync(["storm", "--url", server.Address.ToString(), "--campaign", Campaign, "--open-quantity", $"{Quantity}", "--users", "1500", "--rate", "2000", "--told", Told, "--ledger", installation.ConnectionString], CancellationToken.None);
        Assert.True(storm.ExitCode == 0, storm.Output + storm.Error);
    }

    private async Task AssertCertificateAsync(Installation installation)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(At("sale.key"), key.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(At("sale.pub"), key.ExportSubjectPublicKeyInfoPem());
        await File.WriteAllTextAsync(At("other.pub"), otherKey.ExportSubjectPublicKeyInfoPem());
        var written = await AuditAsync(installation, "--campaign", Campaign, "--certificate", At("spring.json"), "--key", At("sale.key"));
        Assert.True(written.ExitCode == 0, written.Output + written.Error);

        var valid = await AuditAsync(installation, "--verify", At("spring.json"), "--key", At("sale.pub"));
        Assert.Contains($"VALID: {Campaign}: {Quantity} of {Quantity} issued", valid.Output, StringComparison.Ordinal);
        Assert.Equal(0, valid.ExitCode);

        var wrongKey = await AuditAsync(installation, "--verify", At("spring.json"), "--key", At("other.pub"));
        Assert.Contains("the key does not fit", wrongKey.Output, StringComparison.Ordinal);
        Assert.Equal(1, wrongKey.ExitCode);

        var text = await File.ReadAllTextAsync(At("spring.json"));
        await File.WriteAllTextAsync(At("changed.json"), text.Replace($"\"issued\": {Quantity}", $"\"issued\": {Quantity - 1}", StringComparison.Ordinal));
        var changed = await AuditAsync(installation, "--verify", At("changed.json"));
        Assert.Contains("it was changed after it was signed", changed.Output, StringComparison.Ordinal);
        Assert.Equal(1, changed.ExitCode);

        // Signed again by somebody who has a key, but not the log.
        Assert.True(Core.Audit.Certificate.TryRead(text, out var certificate, out _));
        await File.WriteAllTextAsync(At("forged.json"), Core.Audit.Certificate.Sign(certificate.Content with { Issued = 299 }, otherKey).ToText());
        var forged = await AuditAsync(installation, "--verify", At("forged.json"));
        Assert.Contains("issued: certified 299, the log says 300", forged.Output, StringComparison.Ordinal);
        Assert.Equal(1, forged.ExitCode);
    }

    private async Task AssertLedgerCorruptionsAsync(Installation installation)
    {
        await AssertFoundAsync(installation, "I5 ledger", "row of a coupon", "DELETE FROM coupons WHERE sequence_no = 17",
            "INSERT INTO coupons SELECT * FROM saved WHERE sequence_no = 17");
        await AssertFoundAsync(installation, "I5 ledger", "user: expected", "UPDATE coupons SET user_id = 'zz' WHERE sequence_no = 17",
            "UPDATE coupons c JOIN saved s ON c.sequence_no = s.sequence_no SET c.user_id = s.user_id");
        await AssertFoundAsync(installation, "I5 ledger", "coupon code: expected", "UPDATE coupons SET coupon_code = '2222222222222222' WHERE sequence_no = 17",
            "UPDATE coupons c JOIN saved s ON c.sequence_no = s.sequence_no SET c.coupon_code = s.coupon_code");
        await AssertFoundAsync(installation, "I5 ledger", "row of a coupon: expected none",
            "INSERT INTO coupons SELECT partition_no, record_offset, 1999, campaign_id, 9999, coupon_code, user_id, claim_id, instant_ms FROM saved WHERE sequence_no = 17",
            "DELETE FROM coupons WHERE sequence_no = 9999");
        await AssertFoundAsync(installation, "I5 ledger", "offset written up to", "UPDATE ledger_marks SET written_offset = written_offset + 1000000",
            "UPDATE ledger_marks SET written_offset = written_offset - 1000000");
        await AssertFoundAsync(installation, "I5 ledger", "campaign spring", "UPDATE campaigns SET issued = issued - 1", "UPDATE campaigns SET issued = issued + 1");
        await AssertFoundAsync(installation, "I5 ledger", "claims of ghost", "INSERT INTO refusal_counts (partition_no, campaign_id, reason, claims) SELECT partition_no, 'ghost', 'closed', 3 FROM campaigns",
            "DELETE FROM refusal_counts WHERE campaign_id = 'ghost'");
    }

    private async Task AssertFoundAsync(Installation installation, string invariant, string what, string plant, string mend)
    {
        await SqlAsync(installation, "CREATE TABLE IF NOT EXISTS saved AS SELECT * FROM coupons");
        await SqlAsync(installation, plant);
        await AssertDifferentAsync(installation, invariant, what);
        await SqlAsync(installation, mend);
    }

    private async Task AssertRedisCorruptionsAsync(Installation installation)
    {
        using var client = await ConnectionMultiplexer.ConnectAsync(stack.Redis);
        var redis = client.GetDatabase();
        string KeyOf(string part) => $"{{{installation.RedisPrefix}-c{MachineTopics.PartitionOf(Campaign, installation.Partitions)}}}:2:{part}";

        // Length of an id, the id, number of coupons u16, coupons; maybe more users behind.
        var (field, value) = (await redis.HashGetAllAsync(KeyOf("holdings"))).Where(e => ((byte[])e.Name!).Length == 6).Select(e => (e.Name, (byte[])e.Value!)).First();
        await redis.HashDeleteAsync(KeyOf("holdings"), field);
        await AssertDifferentAsync(installation, "I7 redis", "holds: expected number");
        byte[] other = [.. value];
        other[1 + value[0] + 2]++;
        await redis.HashSetAsync(KeyOf("holdings"), field, other);
        await AssertDifferentAsync(installation, "I7 redis", "holds: expected number");
        byte[] coupon = value[(1 + value[0] + 2)..][..27];
        await redis.HashSetAsync(KeyOf("holdings"), field, (byte[])[.. value, 8, .. "stranger"u8, 0, 1, .. coupon]);
        await AssertDifferentAsync(installation, "I7 redis", "that stranger holds: expected none");
        await redis.HashSetAsync(KeyOf("holdings"), field, value);
        // Where no claim would find them.
        byte[] elsewhere = [.. ((byte[])field!)[..2], 0xFF, 0xFF, 0xFF, 0xFF];
        await redis.HashDeleteAsync(KeyOf("holdings"), field);
        await redis.HashSetAsync(KeyOf("holdings"), elsewhere, value);
        await AssertDifferentAsync(installation, "I7 redis", "holds: expected number");
        await redis.HashDeleteAsync(KeyOf("holdings"), elsewhere);
        await redis.HashSetAsync(KeyOf("holdings"), field, value);

        var state = (byte[])(await redis.HashGetAsync(KeyOf("campaigns"), Campaign))!;
        byte[] fewer = [.. state];
        fewer[26]--;
        await redis.HashSetAsync(KeyOf("campaigns"), Campaign, fewer);
        await AssertDifferentAsync(installation, "I7 redis", "299 of 300 issued");
        await redis.HashSetAsync(KeyOf("campaigns"), Campaign, state);

        var applied = (long)await redis.HashGetAsync(KeyOf("meta"), "applied");
        await redis.HashSetAsync(KeyOf("meta"), "applied", applied + 5);
        await AssertDifferentAsync(installation, "I7 redis", "offset applied");
        await redis.HashSetAsync(KeyOf("meta"), "applied", applied);
    }

    private async Task AssertToldCorruptionsAsync(Installation installation)
    {
        var lines = await File.ReadAllLinesAsync(Told);
        var issued = Array.FindIndex(lines, l => l.StartsWith("issued", StringComparison.Ordinal));
        await File.WriteAllLinesAsync(At("lied.txt"), lines.Select((l, i) => i == issued ? $"refused {l.Split(' ')[1]} sold-out" : l));
        var lied = await AuditAsync(installation, "--told", At("lied.txt"));
        Assert.Equal(1, lied.ExitCode);
        Assert.Contains("final answer of the ticket: expected issued, found sold-out", lied.Output, StringComparison.Ordinal);
    }

    private async Task AssertEventCorruptionsAsync(Installation installation)
    {
        var partition = MachineTopics.PartitionOf(Campaign, installation.Partitions);
        var records = new List<LogRecord>();
        await using (var log = installation.OpenLog())
        {
            var bounds = await log.BoundsAsync(installation.Topics.Events, partition, CancellationToken.None);
            await foreach (var record in Truth.RecordsAsync(log, installation.Topics.Events, partition, bounds.End))
                records.Add(record);
        }

        // Told again as it was: a repeat, and no difference.
        await installation.ProduceAsync(installation.Topics.Events, partition, records[^1].Value.ToArray());
        Assert.Equal(0, (await AuditAsync(installation)).ExitCode);

        var last = EventRecord.Decode(records[^1].Value);
        await installation.ProduceAsync(installation.Topics.Events, partition, (last with { Outcomes = CouponOutcomes.OfUndecodable() }).Encode());
        await AssertDifferentAsync(installation, "I6 events", "the record was told twice");
        await installation.ProduceAsync(installation.Topics.Events, partition, (last with { Answers = new RecordPosition(1_000_000, default) }).Encode());
        await AssertDifferentAsync(installation, "I3 events", "an event answers a command that is not in the log");
    }

    private async Task AssertDifferentAsync(Installation installation, string invariant, string what)
    {
        var audit = await AuditAsync(installation, "--campaign", Campaign);
        Assert.Equal(1, audit.ExitCode);
        Assert.Contains(audit.Output.Split('\n'), l => l.StartsWith(invariant, StringComparison.Ordinal) && l.Contains(what, StringComparison.Ordinal));
        Assert.Contains("NOT EXACT: ", audit.Output, StringComparison.Ordinal);
    }

    private async Task AssertRefusedAsync(Installation installation, string expected, params string[] options)
    {
        var refused = await AuditAsync(installation, options);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(expected, refused.Error, StringComparison.Ordinal);
        Assert.Single(refused.Error.TrimEnd().Split('\n'));
    }

    private static Task<int> SqlAsync(Installation installation, string sql) => installation.Ledger.RunAsync(c => c.Execute(sql), CancellationToken.None);

    private Task<Result> AuditAsync(Installation installation, params string[] options) => AuditAsync(installation, CancellationToken.None, options);

    /// <summary>Options given twice are taken from <paramref name="options"/>.</summary>
    private Task<Result> AuditAsync(Installation installation, CancellationToken cancel, params string[] options)
    {
        List<string> arguments = ["audit"];
        foreach (var (name, value) in new[]
        {
            ("--kafka", stack.Kafka), ("--topic-prefix", installation.KafkaOptions.TopicPrefix), ("--redis", stack.Redis), ("--redis-prefix", installation.RedisPrefix),
            ("--ledger", installation.ConnectionString),
        })
        {
            if (!options.Contains(name))
                arguments.AddRange([name, value]);
        }

        return RunAsync([.. arguments, .. options], cancel);
    }

    private async Task<Result> RunAsync(string[] arguments, CancellationToken cancel)
    {
        await using var said = new StringWriter();
        await using var error = new StringWriter();
        var exitCode = await CommandLine.RunAsync(arguments, said, error, cancel);
        output.WriteLine($"{said}{error}");
        return new Result(exitCode, said.ToString(), error.ToString());
    }

    private sealed record Result(int ExitCode, string Output, string Error);
}
