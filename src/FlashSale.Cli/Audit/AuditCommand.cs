using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using Confluent.Kafka;
using FlashSale.Cli.Log;
using FlashSale.Core.Audit;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using FlashSale.MySql;
using FlashSale.Redis;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlashSale.Cli.Audit;

/// <summary>flashsale audit</summary>
internal static class AuditCommand
{
    // What a rebuild of some hundred thousand coupons takes.
    private static readonly TimeSpan SettledWithin = TimeSpan.FromSeconds(10);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Create()
    {
        var options = new AuditOptions();
        var command = new ExampleCommand(
            "audit",
            "Reads the whole log, decides every command again by the rules, and compares that with what the events, Redis, the ledger and callers say. "
            + "A sale may go on meanwhile. Exit code: 0 no difference, 1 differences (or a certificate that does not hold), 2 could not look, 130 interrupted.",
            "flashsale audit",
            "flashsale audit --campaign spring --json audit.json",
            "flashsale storm --campaign spring --open-quantity 1000 --users 50000 --rate 5000 --told told.txt && flashsale audit --told told.txt --settled",
            "openssl ecparam -name prime256v1 -genkey -noout -out sale.key && flashsale audit --campaign spring --certificate spring.json --key sale.key",
            "openssl ec -in sale.key -pubout -out sale.pub && flashsale audit --verify spring.json --key sale.pub");
        options.AddTo(command);
        command.SetAction((parsed, cancellation) => RunAsync(options.Read(parsed), parsed.InvocationConfiguration.Output, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(AuditRequest request, TextWriter output, CancellationToken cancellation)
    {
        Certificate? certificate = null;
        if (request.VerifyFile is not null)
        {
            certificate = CertificateFile.Read(request.VerifyFile, request.KeyFile, out string told);
            await output.WriteLineAsync(told);
            if (certificate is null)
                return ExitCodes.NotExact;
        }

        using ECDsa? key = request.CertificateFile is null ? null : CertificateFile.ReadSigningKey(request.KeyFile!);
        MachineTopics topics = MachineTopics.Coupon with { Prefix = request.Kafka.TopicPrefix };
        int partitions = CountPartitions(request.Kafka, topics.Commands);
        await using var client = new KafkaLog(request.Kafka, "audit", NullLogger<KafkaLog>.Instance);
        ILog log = KafkaConnection.Patient(client);
        var run = new AuditRun(topics, log, output);
        return certificate is null
            ? await AuditAsync(request, key, topics, partitions, log, run, output, cancellation)
            : await VerifyAsync(certificate.Content, topics, partitions, log, run, output, cancellation);
    }

    private static async Task<int> AuditAsync(
        AuditRequest request, ECDsa? key, MachineTopics topics, int partitions, ILog log, AuditRun run, TextWriter output, CancellationToken cancellation)
    {
        GenesisRecord genesis = await PartitionAudit.ReadGenesisAsync(log, topics, 0, cancellation);
        if (genesis.Partitions != partitions)
            throw new CliException($"{topics.Commands} was laid out for {genesis.Partitions} partitions, now it has {partitions}: partitions were added, or this is another topic.");
        int[] wanted = request.CampaignId is null ? [.. Enumerable.Range(0, partitions)] : [MachineTopics.PartitionOf(request.CampaignId, partitions)];
        await using RedisConnection? redis = request.Redis is null ? null : await ConnectAsync(request.Redis, cancellation);
        using MySqlLedger? database = request.Ledger;
        ToldClaims? told = request.ToldFile is null ? null : ReadTold(request.ToldFile, partitions, wanted);
        var sources = new AuditSources(Events: true, redis is null ? null : new RedisStateSource(redis), database is null ? null : new LedgerSource(database), told);
        IReadOnlyList<PartitionReport> reports = await run.RunAsync(wanted, sources, new AuditSettings(request.CertificateFile is null ? null : request.CampaignId, SettledWithin: request.IsSettled ? SettledWithin : null), cancellation);
        AuditReport report = AuditReport.Of(reports, run.Differences, new AuditCompared(true, redis is not null, database is not null, told?.Accepted), request.CampaignId, run.Elapsed);
        if (request.CampaignId is not null && report.Campaigns.Count == 0 && report.Result == AuditReport.Fine)
            throw new CliException($"there is no campaign {request.CampaignId} in the log (its partition would be {wanted[0]}, {reports[0].Commands} commands were looked at).");
        await output.WriteAsync(AuditReportText.Format(report));
        if (request.JsonFile is not null)
            await File.WriteAllTextAsync(request.JsonFile, JsonSerializer.Serialize(report, Json), CancellationToken.None);
        if (key is not null)
            await CertifyAsync(request, key, report, reports[0], output);
        return report.Result switch { AuditReport.Fine => ExitCodes.Ok, AuditReport.Different => ExitCodes.NotExact, _ => ExitCodes.CouldNotRun };
    }

    private static async Task CertifyAsync(AuditRequest request, ECDsa key, AuditReport report, PartitionReport partition, TextWriter output)
    {
        if (report.Result != AuditReport.Fine)
        {
            // The empty file of the check at the start.
            File.Delete(request.CertificateFile!);
            await output.WriteLineAsync("no certificate: it is only given where everything was looked at and nothing differs");
            return;
        }

        var certificate = Certificate.Sign(CertificateContent.Of(partition, report.Campaigns[0]), key);
        await File.WriteAllTextAsync(request.CertificateFile!, certificate.ToText(), CancellationToken.None);
        await output.WriteLineAsync($"certificate: {request.CertificateFile}, signed with the key {certificate.Fingerprint}");
    }

    /// <summary>Recomputes everything that a certificate states from the log alone.</summary>
    private static async Task<int> VerifyAsync(
        CertificateContent content, MachineTopics topics, int partitions, ILog log, AuditRun run, TextWriter output, CancellationToken cancellation)
    {
        if (content.Partition >= partitions || !content.TryThrough(out long through))
            throw new CliException($"the certificate is of partition {content.Partition} through {content.Through}, {topics.Commands} has {partitions} partitions: this is another log.");
        GenesisRecord genesis = await PartitionAudit.ReadGenesisAsync(log, topics, content.Partition, cancellation);
        if (genesis.Log.ToString() != content.LogId)
            throw new CliException($"the certificate is of log {content.LogId}, {topics.Commands} holds log {genesis.Log}: this is another cluster, or the topics were created anew.");
        var settings = new AuditSettings(content.CampaignId, through);
        IReadOnlyList<PartitionReport> reports = await run.RunAsync([content.Partition], new AuditSources(Events: false), settings, cancellation);
        string[] wrong = reports[0].Campaigns.FirstOrDefault(c => c.CampaignId == content.CampaignId) is { } campaign
            ? [.. CertificateFile.Compare(content, CertificateContent.Of(reports[0], campaign))]
            : [$"the log has no campaign {content.CampaignId} up to {content.Through}"];
        foreach (string line in wrong)
            await output.WriteLineAsync(line);
        await output.WriteLineAsync(wrong.Length == 0
            ? $"VALID: {content.CampaignId}: {content.Issued} of {content.Quantity} issued, {content.Accepted} claims up to {content.Through}, recomputed from the log in {run.Elapsed.TotalSeconds:0.0} s"
            : "NOT VALID: the log says otherwise");
        return wrong.Length == 0 ? ExitCodes.Ok : ExitCodes.NotExact;
    }

    private static int CountPartitions(KafkaOptions options, string topic)
    {
        try
        {
            int partitions = KafkaConnection.PartitionsOf(options, topic);
            return partitions > 0 ? partitions : throw new CliException($"there is no topic {topic} at {options.BootstrapServers}: another cluster, or another --topic-prefix?");
        }
        catch (KafkaException e)
        {
            throw new CliException($"Kafka at {options.BootstrapServers} does not answer: {e.Error.Reason}", e);
        }
    }

    private static async Task<RedisConnection> ConnectAsync(RedisOptions options, CancellationToken cancellation)
    {
        var connection = new RedisConnection(options, TimeProvider.System);
        await connection.ConnectAsync(cancellation);
        if (connection.IsConnected)
            return connection;
        await connection.DisposeAsync();
        throw new CliException($"Redis at {options.Endpoints} does not answer.");
    }

    private static ToldClaims ReadTold(string file, int partitions, int[] wanted)
    {
        try
        {
            using var text = new StreamReader(file);
            var told = ToldClaims.Read(text);
            return told.Accepted > 0 || wanted.Length == partitions ? told : throw new CliException($"--told {file}: no claim in it was accepted.");
        }
        catch (FormatException e)
        {
            throw new CliException($"--told {file}: {e.Message}.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"--told {file}: {e.Message}", e);
        }
    }
}
