using System.CommandLine;
using FlashSale.Core.Configuration;
using FlashSale.Redis;

namespace FlashSale.Cli.State;

/// <summary>Where the state is: an option for the address; user, password and TLS from the same variables that the server reads.</summary>
internal static class StateConnection
{
    public static Option<string?> Option() => new("--redis")
    {
        Description = "Addresses of Redis. Default: FLASHSALE_REDIS. Security as the server's: Redis__Password, Redis__User, Redis__Tls, Redis__TlsCaFile.",
        HelpName = "HOST:PORT",
    };

    public static Option<string?> PrefixOption() => new("--redis-prefix")
    {
        Description = "The installation's Redis:KeyPrefix. Default: Redis__KeyPrefix, else none.",
        HelpName = "PREFIX",
    };

    /// <summary>The options, or null where no Redis is named.</summary>
    public static RedisOptions? Read(ParseResult parsed, Option<string?> option, Option<string?> prefix)
    {
        string? endpoints = parsed.GetValue(option) ?? Environment.GetEnvironmentVariable("FLASHSALE_REDIS");
        if (string.IsNullOrEmpty(endpoints))
            return null;
        var options = new RedisOptions
        {
            Endpoints = endpoints,
            KeyPrefix = parsed.GetValue(prefix) ?? Setting(nameof(RedisOptions.KeyPrefix)) ?? "",
            User = Setting(nameof(RedisOptions.User)),
            Password = Setting(nameof(RedisOptions.Password)),
            Tls = bool.TryParse(Setting(nameof(RedisOptions.Tls)), out bool tls) && tls,
            TlsCaFile = Setting(nameof(RedisOptions.TlsCaFile)),
            // The pieces that an audit asks for are larger than an engine's batches, and it is in no hurry.
            CommandTimeout = TimeSpan.FromSeconds(10),
        };
        return OptionsCheck.Run(RedisOptions.Section, options).FirstOrDefault() is { } wrong ? throw new CliException(wrong) : options;
    }

    private static string? Setting(string name) => Environment.GetEnvironmentVariable($"Redis__{name}") is { Length: > 0 } value ? value : null;
}
