using System.ComponentModel.DataAnnotations;
using FlashSale.Core.Configuration;

namespace FlashSale.Redis;

/// <summary>How to reach Redis: section <c>Redis</c>.</summary>
public sealed class RedisOptions : IOptionsRules
{
    public const string Section = "Redis";

    /// <summary><c>host:port</c>, several separated by commas: the nodes of a cluster, or a master and its replicas. Default <c>127.0.0.1:6379</c>.</summary>
    [Required]
    [Endpoints]
    public string Endpoints { get; set; } = "127.0.0.1:6379";

    /// <summary>The ACL user. Default none: the server's default user. Needs StackExchange.Redis 2 or newer, that is, the complete package feed.</summary>
    public string? User { get; set; }

    /// <summary>Default none: no authentication.</summary>
    public string? Password { get; set; }

    /// <summary>Encrypts connections and checks the server's certificate. Default false: everything, the password too, travels in the clear.</summary>
    public bool Tls { get; set; }

    /// <summary>A PEM file with the certificates of the authorities that may have signed the server's. Default none: the machine's own trust store decides.</summary>
    public string? TlsCaFile { get; set; }

    /// <summary>Keeps several installations apart on one Redis: part of every key. Default empty. With another prefix the state is not found and is rebuilt from the log.</summary>
    [RegularExpression("[A-Za-z0-9_.-]{0,32}", ErrorMessage = "at most 32 characters of A-Z a-z 0-9 _ . -")]
    public string KeyPrefix { get; set; } = "";

    /// <summary>After so long without an answer a call counts as failed, and its partition is taken over anew. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long one attempt to connect may take. Default 2 s. Attempts go on for ever.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    public IEnumerable<string> Validate()
    {
        if (!string.IsNullOrEmpty(User) && !ClientSettings.CanNameUser)
            yield return $"{Section}:User needs StackExchange.Redis 2 or newer, and this build has an older one: leave it empty";
        if (!string.IsNullOrEmpty(User) && string.IsNullOrEmpty(Password))
            yield return $"{Section}:User needs {Section}:Password";
        if (!string.IsNullOrEmpty(TlsCaFile) && !Tls)
            yield return $"{Section}:TlsCaFile has no effect without {Section}:Tls=true";
        if (Tls && !string.IsNullOrEmpty(TlsCaFile) && !File.Exists(TlsCaFile))
            yield return $"{Section}:TlsCaFile must be an existing PEM file; there is none at '{TlsCaFile}'";
    }
}
