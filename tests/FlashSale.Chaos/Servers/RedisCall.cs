using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FlashSale.Chaos.Servers;

/// <summary>One command sent to one Redis by hand, over a connection of its own: no client's idea of who is the master comes between.</summary>
internal static class RedisCall
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>The first line of the answer, or the text of a bulk one.</summary>
    /// <exception cref="ChaosException">No answer, or a refusal.</exception>
    public static async Task<string> SendAsync(int port, string command)
    {
        using var timeout = new CancellationTokenSource(Timeout);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, timeout.Token);
            var stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"), timeout.Token);
            using var reader = new StreamReader(stream, Encoding.ASCII);
            var line = await reader.ReadLineAsync(timeout.Token) ?? "";
            if (line.StartsWith('-'))
                throw new ChaosException($"Redis on port {port} refused {command}: {line[1..]}");
            if (!line.StartsWith('$'))
                return line;
            var text = new char[int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture)];
            await reader.ReadBlockAsync(text.AsMemory(), timeout.Token);
            return new string(text);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            throw new ChaosException($"Redis on port {port} does not answer {command}: {e.Message}", e);
        }
    }
}
