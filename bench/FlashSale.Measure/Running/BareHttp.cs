using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FlashSale.Measure.Running;

/// <summary>
/// One connection on which a thread sends a request and waits for the answer: a caller whose own time is next to nothing, where the server's
/// is to be measured.
/// </summary>
internal sealed class BareHttp : IDisposable
{
    private const int AnswerBytesMax = 16_384;
    private static readonly byte[] EndOfHead = "\r\n\r\n"u8.ToArray();

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 20_000, SendTimeout = 20_000 };
    private readonly byte[] _buffer = new byte[AnswerBytesMax];
    private readonly string _host;

    /// <exception cref="MeasureException">Nobody listens there.</exception>
    public BareHttp(string url)
    {
        var address = new Uri(url);
        _host = address.Authority;
        Do(() => _socket.Connect(IPAddress.Parse(address.Host), address.Port));
    }

    /// <summary>The body of the answer, which has to be a 2xx with its length.</summary>
    /// <exception cref="MeasureException">It is not, or did not come.</exception>
    public string Post(string path, string json) => Exchange($"POST {path} HTTP/1.1\r\nHost: {_host}\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n{json}");

    /// <inheritdoc cref="Post"/>
    public string Get(string path) => Exchange($"GET {path} HTTP/1.1\r\nHost: {_host}\r\n\r\n");

    public void Dispose() => _socket.Dispose();

    private string Exchange(string request)
    {
        Do(() => _socket.Send(Encoding.ASCII.GetBytes(request)));
        var (received, head, whole) = (0, 0, AnswerBytesMax);
        while (received < whole)
        {
            var count = 0;
            Do(() => count = _socket.Receive(_buffer.AsSpan(received)));
            if (count == 0)
                throw new MeasureException($"{_host} closed the connection before its answer was whole");
            received += count;
            if (head == 0 && _buffer.AsSpan(0, received).IndexOf(EndOfHead) is > 0 and var end)
            {
                head = end + EndOfHead.Length;
                whole = head + LengthOf(Encoding.ASCII.GetString(_buffer, 0, head));
            }
        }

        return Encoding.UTF8.GetString(_buffer, head, whole - head);
    }

    private static int LengthOf(string head)
    {
        const string Length = "Content-Length: ";
        var lines = head.Split("\r\n");
        return lines[0].Split(' ') is [_, ['2', ..], ..] && Array.Find(lines, l => l.StartsWith(Length, StringComparison.OrdinalIgnoreCase)) is { } line
            && int.TryParse(line.AsSpan(Length.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var length) && head.Length + length <= AnswerBytesMax
            ? length
            : throw new MeasureException($"an answer that was not expected: {lines[0]}");
    }

    private void Do(Action action)
    {
        try
        {
            action();
        }
        catch (SocketException e)
        {
            throw new MeasureException($"{_host}: {e.Message}");
        }
    }
}
