using System.Net;
using System.Net.Sockets;

namespace FlashSale.Chaos.Processes;

/// <summary>
/// Hands out ports of the loopback interface, each once; one that is taken gives way to the next. They lie below those that the
/// kernel gives to outgoing connections, so that a server that has not started yet, or was killed, finds its own still free. May be used by any thread.
/// </summary>
internal sealed class Ports
{
    private const int First = 20_000;
    private const int Last = 31_999;

    /// <summary>The one looked at last.</summary>
    private int _last;

    /// <summary>For all servers that a test process starts.</summary>
    public static Ports OfThisProcess { get; } = new(null);

    /// <param name="first">Where to look first; null: somewhere, so that two runs seldom meet.</param>
    public Ports(int? first) => _last = (first ?? Random.Shared.Next(First, Last - 1_000)) - 1;

    public int Next()
    {
        for (var port = Interlocked.Increment(ref _last); port <= ushort.MaxValue; port = Interlocked.Increment(ref _last))
        {
            if (IsFree(port))
                return port;
        }

        throw new ChaosException("no free port is left: name a lower first one with --port");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
