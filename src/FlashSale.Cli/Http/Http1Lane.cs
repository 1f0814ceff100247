using System.Buffers.Text;
using System.Net.Sockets;

namespace FlashSale.Cli.Http;

/// <summary>
/// One HTTP/1.1 connection with one request in flight. Servers answer the requests of one connection one after the other, so
/// pipelining would only hide waiting time; more concurrency comes from more lanes.
/// </summary>
internal sealed class Http1Lane(LanePool pool, TimeProvider time) : Lane(pool, time)
{
    // The header lines that come on top of what an exchange writes.
    private const int HeadBytesMax = 512;

    // Kestrel closes idle connections after 130 s: a request written into one at that moment would be lost.
    private static readonly TimeSpan IdleMax = TimeSpan.FromSeconds(30);

    private readonly byte[] _parts = new byte[IExchange.RequestBytesMax];
    private readonly byte[] _request = new byte[IExchange.RequestBytesMax + HeadBytesMax];
    private byte[] _received = new byte[ReceiveBytes];
    private Socket? _socket;
    private HttpEndpoint? _endpoint;

    protected override void Abort() => Volatile.Read(ref _socket)?.Dispose();

    protected override async ValueTask ExchangeAsync(int item)
    {
        HttpEndpoint? endpoint = Pool.ChooseEndpoint(_socket is null ? null : _endpoint);
        if (endpoint is null || !await ConnectAsync(endpoint))
        {
            Pool.NotConnected(item);
            return;
        }
        try
        {
            int length = Write(item, endpoint);
            for (int sent = 0; sent < length;)
                sent += await _socket!.SendAsync(_request.AsMemory(sent, length - sent), SocketFlags.None);
            await ReceiveAsync(item);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Drop();
            Pool.Exchange.Failed(item, NoAnswer.Lost);
        }
    }

    private async ValueTask<bool> ConnectAsync(HttpEndpoint endpoint)
    {
        if (_socket is not null && (_endpoint != endpoint || Idle > IdleMax))
            Drop();
        if (_socket is not null)
            return true;
        Socket socket = OpenSocket(endpoint);
        Volatile.Write(ref _socket, socket);
        try
        {
            await socket.ConnectAsync(endpoint.Address);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Drop();
            endpoint.MarkDown(Time);
            return false;
        }
        endpoint.MarkUp();
        _endpoint = endpoint;
        Pool.CountConnection();
        return true;
    }

    private static Socket OpenSocket(HttpEndpoint endpoint)
    {
        try
        {
            return new Socket(endpoint.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        }
        catch (SocketException e)
        {
            throw new CliException($"cannot open another connection ({e.Message}): use fewer --connections and --wait-connections, or raise the limit of open files.", e);
        }
    }

    private async ValueTask ReceiveAsync(int item)
    {
        int length = 0;
        while (true)
        {
            if (length == _received.Length)
                Array.Resize(ref _received, _received.Length * 2);
            int got = await _socket!.ReceiveAsync(_received.AsMemory(length), SocketFlags.None);
            length += got;
            if (got == 0 && length == 0)
            {
                Drop();
                Pool.Exchange.Failed(item, NoAnswer.Lost);
                return;
            }
            if (TryFinish(item, length, endOfStream: got == 0))
                return;
        }
    }

    private bool TryFinish(int item, int length, bool endOfStream)
    {
        ParseStatus status = HttpResponseParser.TryParse(_received.AsSpan(0, length), endOfStream, out HttpAnswer answer, out int consumed);
        if (status == ParseStatus.NeedMore && length < ReceiveBytesMax)
            return false;
        if (status == ParseStatus.Complete)
        {
            // Bytes after the answer to the only request are not HTTP; the answer itself is good.
            if (answer.Close || consumed != length)
                Drop();
            Pool.Exchange.Complete(item, answer);
            return true;
        }
        Drop();
        // An answer cut short is a lost one; anything else that cannot be read is the server's mistake.
        Pool.Exchange.Failed(item, endOfStream ? NoAnswer.Lost : NoAnswer.Unreadable);
        return true;
    }

    private void Drop()
    {
        _socket?.Dispose();
        Volatile.Write(ref _socket, null);
        _endpoint = null;
    }

    private int Write(int item, HttpEndpoint endpoint)
    {
        var request = new RequestWriter(_parts);
        Pool.Exchange.Write(item, ref request);
        int length = 0;
        Append(request.HasBody ? "POST "u8 : "GET "u8);
        Append(request.Path);
        Append(" HTTP/1.1\r\nHost: "u8);
        Append(endpoint.Authority);
        if (!request.IdempotencyKey.IsEmpty)
        {
            Append("\r\nIdempotency-Key: "u8);
            Append(request.IdempotencyKey);
        }
        if (request.HasBody)
        {
            Append("\r\nContent-Type: application/json\r\nContent-Length: "u8);
            Utf8Formatter.TryFormat(request.Body.Length, _request.AsSpan(length), out int digits);
            length += digits;
        }
        Append("\r\n\r\n"u8);
        Append(request.Body);
        return length;

        void Append(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(_request.AsSpan(length));
            length += bytes.Length;
        }
    }
}
