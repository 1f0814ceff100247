using FlashSale.Core.Configuration;

namespace FlashSale.Server.Hosting;

/// <summary>What a process does.</summary>
[Flags]
public enum Roles
{
    None = 0,

    /// <summary>The HTTP interface: front door, answers, dashboard.</summary>
    Api = 1,

    /// <summary>Decides the commands of the partitions that the group assigns.</summary>
    Machines = 2,

    /// <summary>Writes outcomes to the database.</summary>
    Ledger = 4,

    All = Api | Machines | Ledger,
}

/// <summary>Which servers a process works with.</summary>
public enum Profile
{
    /// <summary>Kafka, Redis and MySQL or MariaDB.</summary>
    Servers,

    /// <summary>librdkafka's in-process mock cluster with real Redis and database. For a first look: not a real broker.</summary>
    EmbeddedBroker,

    /// <summary>No server at all: in-process broker, state in memory, SQLite ledger. One process only; for a first look.</summary>
    Embedded,
}

/// <summary>The top-level settings.</summary>
public sealed class ServerOptions : IOptionsRules
{
    /// <summary>Roles of this process, comma-separated: <c>api</c>, <c>machines</c>, <c>ledger</c>. Default all three. Health and metrics are served by every process.</summary>
    public string Roles { get; set; } = "api,machines,ledger";

    /// <summary><c>servers</c> (default), <c>embedded-broker</c> or <c>embedded</c>.</summary>
    public string Profile { get; set; } = "servers";

    /// <summary><c>streamiz</c> or <c>direct</c>. Default: <c>streamiz</c> where this build has it and the profile is <c>servers</c>, else <c>direct</c>.</summary>
    public string Engine { get; set; } = "";

    public IEnumerable<string> Validate()
    {
        var hasRoles = TryRoles(out var roles);
        if (!hasRoles)
            yield return $"Roles is '{Roles}'; allowed: api, machines, ledger, comma-separated";
        if (!TryProfile(out var profile))
            yield return $"Profile is '{Profile}'; allowed: servers, embedded-broker, embedded";
        else if (hasRoles && profile != Hosting.Profile.Servers && roles != Hosting.Roles.All)
            yield return $"Roles is '{Roles}' with Profile '{Profile}'; allowed: all three, as the broker lives in this one process";
        if (!TryEngine(profile, out var engine))
            yield return $"Engine is '{Engine}'; allowed: streamiz, direct";
        else if (engine == EngineKind.Streamiz && !Engines.HasStreamiz)
            yield return $"Engine is '{Engine}', which this build lacks; allowed: direct. For streamiz build against a feed that has Streamiz.Kafka.Net: scripts/setup.sh --feed complete, then build anew";
        else if (engine == EngineKind.Streamiz && profile != Hosting.Profile.Servers)
            yield return $"Engine is '{Engine}' with Profile '{Profile}'; allowed: direct, as nobody shares the partitions of an embedded broker";
    }

    internal bool TryRoles(out Roles roles)
    {
        roles = Hosting.Roles.None;
        foreach (var name in Roles.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Enum.TryParse<Roles>(name, ignoreCase: true, out var role) || !char.IsLetter(name[0]))
                return false;
            roles |= role;
        }

        return roles != Hosting.Roles.None;
    }

    internal bool TryEngine(Profile profile, out EngineKind engine)
    {
        engine = Engines.Default(profile);
        return Engine.Length == 0 || (Enum.TryParse(Engine, ignoreCase: true, out engine) && char.IsLetter(Engine[0]) && Enum.IsDefined(engine));
    }

    internal bool TryProfile(out Profile profile) =>
        Enum.TryParse(Profile.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out profile) && Enum.IsDefined(profile) && char.IsLetter(Profile[0]);
}

/// <summary>How tickets are signed (section <c>Tickets</c>).</summary>
public sealed class TicketOptions
{
    public const string Section = "Tickets";

    /// <summary>
    /// Keys as <c>id:base64</c>, comma-separated, each of 16 bytes or more; the first one signs, all are accepted. To change keys add the
    /// new one at the end in every process, then move it to the front, and keep the old one for as long as its tickets are asked for. Required outside Development; all processes need the same.
    /// </summary>
    public string Keys { get; set; } = "";

    internal const string DevelopmentKeys = "0:Zmxhc2hzYWxlIGRldmVsb3BtZW50IHRpY2tldCBrZXk=";

    /// <summary>The keys, or null where the setting is malformed.</summary>
    internal static List<(byte Id, byte[] Secret)>? Parse(string keys)
    {
        var parsed = new List<(byte, byte[])>();
        foreach (var key in keys.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = key.IndexOf(':', StringComparison.Ordinal);
            var secret = new byte[key.Length];
            if (colon < 0 || !byte.TryParse(key.AsSpan(0, colon), out var id) || !Convert.TryFromBase64String(key[(colon + 1)..], secret, out var length) || length < 16)
                return null;
            parsed.Add((id, secret[..length]));
        }

        return parsed.Count == 0 || parsed.DistinctBy(k => k.Item1).Count() != parsed.Count ? null : parsed;
    }
}
