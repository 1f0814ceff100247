using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace FlashSale.Tests.Shared;

/// <summary>Ports for servers that tests start.</summary>
/// <remarks>
/// The system's own choice (port 0) is of no use for a server in another process: until it listens, any outgoing connection of this
/// machine may be given the port. These are below all that the system gives out, and each is given once.
/// </remarks>
internal static class LoopbackPort
{
    /// <summary>Above the ports that scripts/stack.sh and the servers' defaults have.</summary>
    private const int First = 20_000;

    private const int TriesMax = 1_000;

    private static readonly ConcurrentDictionary<int, bool> Given = new();

    /// <summary>A port on which nobody listens.</summary>
    /// <exception cref="InvalidOperationException">None was found.</exception>
    public static int Next()
    {
        var end = EphemeralStart();
        for (var i = 0; i < TriesMax; i++)
        {
            var port = Random.Shared.Next(First, end);
            if (IsFree(port) && Given.TryAdd(port, true))
                return port;
        }

        throw new InvalidOperationException($"no free port from {First} to {end - 1}");
    }

    /// <summary>The first port that the system gives to outgoing connections (man 7 ip, ip_local_port_range), or 65,536 where it leaves us no room below.</summary>
    private static int EphemeralStart()
    {
        const string range = "/proc/sys/net/ipv4/ip_local_port_range";
        var start = File.Exists(range) ? int.Parse(File.ReadAllText(range).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[0]) : 32_768;
        return start > First + TriesMax ? start : IPEndPoint.MaxPort + 1;
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
