using System.ComponentModel.DataAnnotations;
using Confluent.Kafka;
using FlashSale.Core.Configuration;

namespace FlashSale.Kafka;

/// <summary>Where Kafka is and how the log is laid out (section <c>Kafka</c>).</summary>
public sealed class KafkaOptions : IOptionsRules
{
    public const string Section = "Kafka";

    /// <summary>Addresses of brokers, <c>host:port</c>, comma-separated. Required unless the profile brings its own broker.</summary>
    [Required]
    [Endpoints]
    public string BootstrapServers { get; set; } = "";

    /// <summary>Put before the names of topics and groups, so that several installations can share a cluster. Default none.</summary>
    [RegularExpression("[A-Za-z0-9_.-]{0,100}", ErrorMessage = "at most 100 characters of A-Z a-z 0-9 _ . -")]
    public string TopicPrefix { get; set; } = "";

    /// <summary>Partitions of a machine's topics when they are created. Default 8. Fixed for the life of the log.</summary>
    [Range(1, 1024)]
    public int Partitions { get; set; } = 8;

    /// <summary>Replicas of a topic when it is created. Default 1; take 3 where there are three brokers. From 2 on <c>min.insync.replicas</c> is 2.</summary>
    [Range(1, 15)]
    public short ReplicationFactor { get; set; } = 1;

    /// <summary>How long a front door's append may take before it is answered with <c>log-unavailable</c>. Default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00")]
    public TimeSpan AppendTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How long the group waits for a silent process before its partitions go to others. Default 6 s, the least that brokers allow by default.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:30:00")]
    public TimeSpan SessionTimeout { get; set; } = TimeSpan.FromSeconds(6);

    /// <summary>How long a question about topics and offsets may take. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan AdminTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary><c>Plaintext</c> (default), <c>Ssl</c>, <c>SaslPlaintext</c> or <c>SaslSsl</c>.</summary>
    public SecurityProtocol SecurityProtocol { get; set; } = SecurityProtocol.Plaintext;

    /// <summary><c>Plain</c>, <c>ScramSha256</c> or <c>ScramSha512</c> (default); used with the two Sasl protocols.</summary>
    [AllowedValues(SaslMechanism.Plain, SaslMechanism.ScramSha256, SaslMechanism.ScramSha512)]
    public SaslMechanism SaslMechanism { get; set; } = SaslMechanism.ScramSha512;

    /// <summary>The user; required with the two Sasl protocols.</summary>
    public string? SaslUsername { get; set; }

    /// <summary>The user's password; required with the two Sasl protocols.</summary>
    public string? SaslPassword { get; set; }

    /// <summary>A PEM file with the certificates of the authorities to trust. Default: the system's.</summary>
    public string? SslCaLocation { get; set; }

    /// <summary>A broker that hangs (its kernel still takes connections and requests) is left after so long; the client's default of 60 s would stop the partitions that it leads, or the group that it coordinates, for a minute after others have taken them over.</summary>
    private const int AnswerTimeoutMs = 6_000;

    private bool UsesSasl => SecurityProtocol is SecurityProtocol.SaslPlaintext or SecurityProtocol.SaslSsl;

    private bool UsesTls => SecurityProtocol is SecurityProtocol.Ssl or SecurityProtocol.SaslSsl;

    public IEnumerable<string> Validate()
    {
        if (UsesSasl && string.IsNullOrEmpty(SaslUsername))
            yield return $"{Section}:SaslUsername is missing; {Section}:SecurityProtocol={SecurityProtocol} needs it";
        if (UsesSasl && string.IsNullOrEmpty(SaslPassword))
            yield return $"{Section}:SaslPassword is missing; {Section}:SecurityProtocol={SecurityProtocol} needs it";
        if (!string.IsNullOrEmpty(SslCaLocation) && !UsesTls)
            yield return $"{Section}:SslCaLocation has no effect without {Section}:SecurityProtocol=Ssl or SaslSsl";
        else if (!string.IsNullOrEmpty(SslCaLocation) && !File.Exists(SslCaLocation))
            yield return $"{Section}:SslCaLocation must be an existing PEM file; there is none at '{SslCaLocation}'";
    }

    internal void ApplyTo(ClientConfig config)
    {
        config.BootstrapServers = BootstrapServers;
        config.SocketNagleDisable = true;
        config.SocketKeepaliveEnable = true;
        config.SocketTimeoutMs = AnswerTimeoutMs;
        config.SocketConnectionSetupTimeoutMs = AnswerTimeoutMs;
        // A broker that comes back is found again at once; the default grows to 10 s.
        config.ReconnectBackoffMs = 50;
        config.ReconnectBackoffMaxMs = 500;
        config.SecurityProtocol = SecurityProtocol;
        if (!string.IsNullOrEmpty(SslCaLocation))
            config.SslCaLocation = SslCaLocation;
        if (!UsesSasl)
            return;
        config.SaslMechanism = SaslMechanism;
        config.SaslUsername = SaslUsername;
        config.SaslPassword = SaslPassword;
    }
}
