using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FlashSale.Cli.Http;

/// <summary>A server address, resolved once, with whether it is known to refuse connections at the moment.</summary>
internal sealed class HttpEndpoint
{
    // A restarted server is found within a quarter of a second; a dead one costs four attempts a second and pool.
    private static readonly TimeSpan DownFor = TimeSpan.FromMilliseconds(250);
    private long _downUntil;

    private HttpEndpoint(Uri url, IPEndPoint address)
    {
        Url = url;
        Address = address;
        Authority = Encoding.ASCII.GetBytes(url.Authority);
    }

    public Uri Url { get; }

    public IPEndPoint Address { get; }

    /// <summary>What the Host header says.</summary>
    public byte[] Authority { get; }

    /// <summary>Reads an address such as http://127.0.0.1:8080; throws a <see cref="CliException"/> that says what is wrong.</summary>
    public static async Task<HttpEndpoint> ResolveAsync(string url, CancellationToken cancellation)
    {
        Uri uri = ServerUrl.Parse(url);
        if (uri.Scheme != Uri.UriSchemeHttp)
            throw new CliException($"{url}: the storm speaks plain http only; give it the address behind the TLS gateway.");
        if (uri.AbsolutePath != "/")
            throw new CliException($"{url}: the storm needs an address without a path.");
        try
        {
            IPAddress[] found = await Dns.GetHostAddressesAsync(uri.DnsSafeHost, cancellation);
            IPAddress address = Array.Find(found, a => a.AddressFamily == AddressFamily.InterNetwork) ?? found[0];
            return new HttpEndpoint(uri, new IPEndPoint(address, uri.Port));
        }
        catch (SocketException e)
        {
            throw new CliException($"{url}: {e.Message}", e);
        }
    }

    public bool IsDown(TimeProvider time) => Volatile.Read(ref _downUntil) > time.GetTimestamp();

    public void MarkDown(TimeProvider time) =>
        Volatile.Write(ref _downUntil, time.GetTimestamp() + (long)(DownFor.TotalSeconds * time.TimestampFrequency));

    public void MarkUp()
    {
        if (Volatile.Read(ref _downUntil) != 0)
            Volatile.Write(ref _downUntil, 0);
    }

    /// <summary>Whether the last attempt to connect failed, however long ago.</summary>
    public bool IsSuspect => Volatile.Read(ref _downUntil) != 0;
}

/// <summary>Reads server addresses.</summary>
internal static class ServerUrl
{
    public const string Default = "http://127.0.0.1:8080";

    public static Uri Parse(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
            throw new CliException($"'{url}' is not a server address; expected something like {Default}.");
        return uri;
    }
}
