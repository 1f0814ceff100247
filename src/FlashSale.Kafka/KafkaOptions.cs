using System.ComponentModel.DataAnnotations;
using Confluent.Kafka;

namespace FlashSale.Kafka;

/// <summary>Where Kafka is and how the log is laid out (section <c>Kafka</c>).</summary>
public sealed class KafkaOptions
{
    /// <summary>Addresses of brokers, <c>host:port</c>, comma-separated. Required unless the profile brings its own broker.</summary>
    [Required]
    public string BootstrapServers { get; set; } = "";

    /// <summary>Put before the names of topics and groups, so that several installations can share a cluster. Default none.</summary>
    [RegularExpression("[A-Za-z0-9_.-]{0,100}")]
    public string TopicPrefix { get; set; } = "";

    /// <summary>Partitions of a machine's topics when they are created. Default 8. Fixed for the life of the log.</summary>
    [Range(1, 1024)]
    public int Partitions { get; set; } = 8;

    /// <summary>Replicas of a topic when it is created. Default 1; take 3 where there are three brokers.</summary>
    [Range(1, 15)]
    public short ReplicationFactor { get; set; } = 1;

    /// <summary>How long a front door's append may take before it is answered with <c>log-unavailable</c>. Default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00")]
    public TimeSpan AppendTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How long the group waits for a silent process before its partitions go to others. Default 6 s, the least that brokers allow by default.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:30:00")]
    public TimeSpan SessionTimeout { get; set; } = TimeSpan.FromSeconds(6);

    /// <summary>How long a request to the cluster's administration may take. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan AdminTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary><c>Plaintext</c> (default), <c>Ssl</c>, <c>SaslPlaintext</c> or <c>SaslSsl</c>.</summary>
    public SecurityProtocol SecurityProtocol { get; set; } = SecurityProtocol.Plaintext;

    /// <summary><c>Plain</c>, <c>ScramSha256</c> or <c>ScramSha512</c>; used with the two Sasl protocols.</summary>
    public SaslMechanism SaslMechanism { get; set; } = SaslMechanism.ScramSha512;

    public string? SaslUsername { get; set; }

    public string? SaslPassword { get; set; }

    /// <summary>File with the certificates of the authorities to trust. Default: the system's.</summary>
    public string? SslCaLocation { get; set; }

    internal void ApplyTo(ClientConfig config)
    {
        config.BootstrapServers = BootstrapServers;
        config.SocketNagleDisable = true;
        config.SocketKeepaliveEnable = true;
        // A broker that comes back is found again at once; the default grows to 10 s.
        config.ReconnectBackoffMs = 50;
        config.ReconnectBackoffMaxMs = 500;
        config.SecurityProtocol = SecurityProtocol;
        if (SslCaLocation is not null)
            config.SslCaLocation = SslCaLocation;
        if (SecurityProtocol is not (SecurityProtocol.SaslPlaintext or SecurityProtocol.SaslSsl))
            return;
        config.SaslMechanism = SaslMechanism;
        config.SaslUsername = SaslUsername;
        config.SaslPassword = SaslPassword;
    }
}
