using System.Net;
using System.Net.Sockets;

namespace FlashSale.Chaos.Processes;

/// <summary>
/// Hands out ports of the loopback interface, each once; one that is taken gives way to the next. They lie below those that the
/// kernel gives to outgoing connections, so that a server that was killed finds its own still free when it comes back.
/// </summary>
internal sealed class Ports
{
    private const int First = 20_000;
    private const int Last = 31_999;

    private int _next;

    /// <param name="first">Where to look first; null: somewhere, so that two runs seldom meet.</param>
    public Ports(int? first) => _next = first ?? Random.Shared.Next(First, Last - 1_000);

    public int Next()
    {
        while (_next <= ushort.MaxValue)
        {
            var port = _next++;
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
