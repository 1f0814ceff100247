using System.CommandLine;
using FlashSale.Cli.Ledger;
using FlashSale.Cli.Log;
using FlashSale.Cli.State;
using FlashSale.Kafka;
using FlashSale.MySql;
using FlashSale.Redis;

namespace FlashSale.Cli.Audit;

/// <summary>What is to be audited; checked by the command line before it gets here.</summary>
internal sealed record AuditRequest(
    string? CampaignId, KafkaOptions Kafka, RedisOptions? Redis, MySqlLedger? Ledger, string? ToldFile, string? JsonFile, string? CertificateFile, string? VerifyFile, string? KeyFile, bool IsSettled);

/// <summary>The options as the parser knows them.</summary>
internal sealed class AuditOptions
{
    private readonly Option<string?> _campaign = new("--campaign") { Description = "Only the partition of this campaign.", HelpName = "ID" };
    private readonly Option<string?> _json = new("--json") { Description = "Also write the report to this file as JSON.", HelpName = "FILE" };
    private readonly Option<string?> _told = new("--told") { Description = "What callers were told, as flashsale storm --told has recorded it.", HelpName = "FILE" };
    private readonly Option<bool> _settled = new("--settled") { Description = "The sale is at rest: whatever lags behind the log is a difference." };
    private readonly Option<string?> _certificate = new("--certificate") { Description = "Write a signed certificate of --campaign, if nothing differs. Needs --key.", HelpName = "FILE" };
    private readonly Option<string?> _verify = new("--verify") { Description = "Check a certificate against the log, and nothing else.", HelpName = "FILE" };
    private readonly Option<string?> _key = new("--key") { Description = "PEM file with a P-256 key: the private one signs, either one tells whether a certificate was signed with it.", HelpName = "FILE" };
    private readonly Option<string?> _topicPrefix = new("--topic-prefix") { Description = "The installation's Kafka:TopicPrefix. Default: Kafka__TopicPrefix, else none.", HelpName = "PREFIX" };
    private readonly Option<string?> _redisPrefix = StateConnection.PrefixOption();
    private readonly Option<string?> _kafka = KafkaConnection.Option();
    private readonly Option<string?> _redis = StateConnection.Option();
    private readonly Option<string?> _ledger = LedgerConnection.Option();

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_campaign, _json, _told, _settled, _certificate, _verify, _key, _kafka, _redis, _ledger, _topicPrefix, _redisPrefix])
            command.Options.Add(option);
        command.Validators.Add(result =>
        {
            bool Given(Option option) => result.GetResult(option) is not null;
            if (Given(_verify) && (Given(_certificate) || Given(_told) || Given(_campaign) || Given(_settled) || Given(_json)))
                result.AddError("--verify checks a certificate against the log alone: only --key and the address of Kafka go with it.");
            else if (Given(_certificate) && !(Given(_campaign) && Given(_key)))
                result.AddError("--certificate needs --campaign ID and --key FILE.");
            else if (Given(_key) && !Given(_certificate) && !Given(_verify))
                result.AddError("--key goes with --certificate or --verify.");
        });
    }

    public AuditRequest Read(ParseResult parsed)
    {
        if (parsed.GetValue(_campaign) is { } id && !SharedOptions.IsId(id))
            throw new CliException($"--campaign: {SharedOptions.DescribeId(id)}");
        string? json = parsed.GetValue(_json), certificate = parsed.GetValue(_certificate);
        SharedOptions.CheckWritable("--json", json);
        SharedOptions.CheckWritable("--certificate", certificate);
        KafkaOptions kafka = KafkaConnection.Read(parsed, _kafka);
        kafka.TopicPrefix = parsed.GetValue(_topicPrefix) ?? Environment.GetEnvironmentVariable("Kafka__TopicPrefix") ?? "";
        string? verify = parsed.GetValue(_verify);
        return new AuditRequest(
            parsed.GetValue(_campaign), kafka, verify is null ? StateConnection.Read(parsed, _redis, _redisPrefix) : null, verify is null ? LedgerConnection.Open(parsed, _ledger) : null,
            parsed.GetValue(_told), json, certificate, verify, parsed.GetValue(_key), parsed.GetValue(_settled));
    }
}
