using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using StackExchange.Redis;

namespace FlashSale.Redis;

/// <summary>Our options in the client's terms, for both versions of the client.</summary>
internal static class ClientSettings
{
    // Well below the engine's own pauses, so that a Redis that is back is found at once.
    private const int ReconnectMs = 250;

    // The client pings a connection that was idle for so long, and thereby finds a dead one.
    private const int KeepAliveSeconds = 10;

#if STACKEXCHANGE_REDIS_1
    public const bool CanNameUser = false;
#else
    public const bool CanNameUser = true;
#endif

    public static ConfigurationOptions From(RedisOptions options)
    {
        var settings = new ConfigurationOptions
        {
            AbortOnConnectFail = false,

            // INFO and CONFIG GET (RedisChecks) count as administration.
            AllowAdmin = true,
            ClientName = "flashsale",

            // Both empty: no subscription to the client's own announcements, and no key of its own beside ours.
            ConfigurationChannel = "",
            TieBreaker = "",
            ConnectRetry = 1,
            ConnectTimeout = (int)options.ConnectTimeout.TotalMilliseconds,
            DefaultVersion = RedisChecks.VersionMin,
            KeepAlive = KeepAliveSeconds,
            Password = string.IsNullOrEmpty(options.Password) ? null : options.Password,
            ReconnectRetryPolicy = new LinearRetry(ReconnectMs),
            Ssl = options.Tls,
            SyncTimeout = (int)options.CommandTimeout.TotalMilliseconds,
        };
        foreach (var endpoint in options.Endpoints.Split(','))
            settings.EndPoints.Add(endpoint.Trim());
        if (options.Tls && !string.IsNullOrEmpty(options.TlsCaFile))
            TrustOnly(settings, options.TlsCaFile);
#if !STACKEXCHANGE_REDIS_1
        settings.User = string.IsNullOrEmpty(options.User) ? null : options.User;

        // The old client knows nothing else: a call without a connection fails, and is not kept for later.
        settings.BacklogPolicy = BacklogPolicy.FailFast;
#endif
        return settings;
    }

    public static void Prepare(ConnectionMultiplexer multiplexer)
    {
#if STACKEXCHANGE_REDIS_1
        // Completions in order would run one after the other, each waiting for what the one before it goes on to do.
        multiplexer.PreserveAsyncOrder = false;
#else
        _ = multiplexer;
#endif
    }

    private static void TrustOnly(ConfigurationOptions settings, string caFile)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(caFile);
        settings.CertificateValidation += (_, certificate, chain, errors) =>
        {
            if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
                return false;
            using var ours = new X509Chain();
            ours.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            ours.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            ours.ChainPolicy.CustomTrustStore.AddRange(authorities);
            foreach (var sent in chain?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
                ours.ChainPolicy.ExtraStore.Add(sent.Certificate);
            using var server = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
            return ours.Build(server);
        };
    }
}
