using System.Globalization;
using FlashSale.Core.Engine;
using StackExchange.Redis;

namespace FlashSale.Redis;

/// <summary>Redis is set up in a way that would lose state silently. The message says what to change.</summary>
public sealed class RedisRefusedException(string message) : Exception(message);

/// <summary>Looks at how each server is set up, once, before anything is decided.</summary>
public static class RedisChecks
{
    /// <summary>From 5.0 on a script's effects are what replicas and the AOF get, not the script; ours relies on that.</summary>
    internal static readonly Version VersionMin = new(5, 0);

    /// <summary>The <c>auto-aof-rewrite-min-size</c> of Redis as it comes, in bytes: a busy sale comes to that within a minute.</summary>
    private const long AofRewriteDefault = 64 << 20;

    /// <summary>Checks all servers to which there is a connection; returns what is worth a warning, each in one line.</summary>
    /// <exception cref="RedisRefusedException">A server may evict keys, or is too old.</exception>
    /// <exception cref="StoreUnavailableException">No connection, or no answer.</exception>
    public static async Task<IReadOnlyList<string>> RunAsync(RedisConnection connection)
    {
        await connection.ConnectAsync(CancellationToken.None);
        var warnings = new List<string>();
        foreach (var server in connection.Servers())
            await CheckAsync(connection, server, warnings);
        return warnings;
    }

    private static async Task CheckAsync(RedisConnection connection, IServer server, List<string> warnings)
    {
        var name = ToText(server.EndPoint);
        var info = await InfoAsync(connection, server);

        var version = info.GetValueOrDefault("redis_version");
        if (version is not null && Version.TryParse(version, out var parsed) && parsed < VersionMin)
            throw new RedisRefusedException($"Redis at {name} has version {version}; {VersionMin} or newer is needed");

        var policy = info.GetValueOrDefault("maxmemory_policy") ?? await ConfigAsync(connection, server, "maxmemory-policy");
        if (policy is null)
            warnings.Add($"Redis at {name} does not tell its maxmemory-policy: make sure that it is noeviction, otherwise it may drop coupons");
        else if (!string.Equals(policy, "noeviction", StringComparison.OrdinalIgnoreCase))
            throw new RedisRefusedException($"Redis at {name} may evict keys (maxmemory-policy {policy}), and coupons with them: set maxmemory-policy noeviction");

        if (info.GetValueOrDefault("aof_enabled") == "1")
        {
            var size = await ConfigAsync(connection, server, "auto-aof-rewrite-min-size");
            if (long.TryParse(size, CultureInfo.InvariantCulture, out var bytes) && bytes <= AofRewriteDefault
                && await ConfigAsync(connection, server, "auto-aof-rewrite-percentage") is not "0")
                warnings.Add($"Redis at {name} writes its AOF anew from {bytes >> 20} MB on, so in the middle of a sale, and decisions are delayed meanwhile: set auto-aof-rewrite-min-size 1gb");
            return;
        }

        var save = await ConfigAsync(connection, server, "save");
        if (save is null)
            warnings.Add($"Redis at {name} does not tell whether it persists: without appendonly or save a restart empties it, and the state is rebuilt from the log");
        else if (save.Length == 0)
            warnings.Add($"Redis at {name} persists nothing (appendonly no, save \"\"): after its restart the state is rebuilt from the log");
    }

    private static async Task<Dictionary<string, string>> InfoAsync(RedisConnection connection, IServer server)
    {
        var groups = await AskAsync(connection, server.InfoAsync());
        return groups is null
            ? []
            : groups.SelectMany(g => g).DistinctBy(p => p.Key).ToDictionary(p => p.Key, p => p.Value.Trim(), StringComparer.Ordinal);
    }

    private static async Task<string?> ConfigAsync(RedisConnection connection, IServer server, string key)
    {
        var found = await AskAsync(connection, server.ConfigGetAsync(key));
        return found is null || found.Length == 0 ? null : found[0].Value ?? "";
    }

    // Null where the server does not allow the question: managed ones rename or forbid CONFIG.
    private static async Task<T?> AskAsync<T>(RedisConnection connection, Task<T> question) where T : class
    {
        try
        {
            return await connection.Within(question);
        }
        catch (RedisServerException)
        {
            return null;
        }
        catch (Exception e) when (RedisConnection.IsFault(e))
        {
            throw connection.Unavailable(e);
        }
    }

    private static string ToText(System.Net.EndPoint endpoint) => endpoint is System.Net.DnsEndPoint dns ? $"{dns.Host}:{dns.Port}" : endpoint.ToString() ?? "?";
}
