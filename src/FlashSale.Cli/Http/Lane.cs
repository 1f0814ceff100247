using System.Net.Sockets;

namespace FlashSale.Cli.Http;

/// <summary>
/// One connection with one request in flight. Servers answer the requests of one HTTP/1.1 connection one after the other, so
/// pipelining would only hide waiting time; more concurrency comes from more lanes.
/// A lane is used by one caller at a time: whoever takes it from its pool's idle stack runs it until the pool has nothing more for it.
/// </summary>
internal sealed class Lane(LanePool pool, TimeProvider time) : IDisposable
{
    private const int ReceiveBytes = 2048;
    private const int ReceiveBytesMax = 4 * 1024 * 1024;

    // Kestrel closes idle connections after 130 s: a request written into one at that moment would be lost.
    private static readonly TimeSpan IdleMax = TimeSpan.FromSeconds(30);

    private readonly byte[] _request = new byte[IExchange.RequestBytesMax];
    private byte[] _received = new byte[ReceiveBytes];
    private Socket? _socket;
    private HttpEndpoint? _endpoint;
    private long _idleSince;
    private long _busySince;

    /// <summary>Sends the request for this item and whatever the pool hands on afterwards.</summary>
    public async Task RunAsync(int item)
    {
        try
        {
            do
            {
                Volatile.Write(ref _busySince, time.GetTimestamp());
                await ExchangeAsync(item);
                _idleSince = time.GetTimestamp();
                Volatile.Write(ref _busySince, 0);
            }
            while (pool.TryNext(this, out item));
        }
        catch (Exception e)
        {
            // Nobody awaits a lane: the pool ends the whole run with this.
            pool.Fault(e);
        }
    }

    /// <summary>Breaks off a request that has had no answer for so long.</summary>
    public void AbortIfSince(long before)
    {
        long since = Volatile.Read(ref _busySince);
        if (since != 0 && since < before)
            Volatile.Read(ref _socket)?.Dispose();
    }

    public void Dispose() => Volatile.Read(ref _socket)?.Dispose();

    private async ValueTask ExchangeAsync(int item)
    {
        HttpEndpoint? endpoint = pool.ChooseEndpoint(_socket is null ? null : _endpoint);
        if (endpoint is null || !await ConnectAsync(endpoint))
        {
            pool.NotConnected(item);
            return;
        }
        try
        {
            int length = pool.Exchange.Write(item, endpoint, _request);
            for (int sent = 0; sent < length;)
                sent += await _socket!.SendAsync(_request.AsMemory(sent, length - sent), SocketFlags.None);
            await ReceiveAsync(item);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Drop();
            pool.Exchange.Failed(item, NoAnswer.Lost);
        }
    }

    private async ValueTask<bool> ConnectAsync(HttpEndpoint endpoint)
    {
        if (_socket is not null && (_endpoint != endpoint || time.GetElapsedTime(_idleSince) > IdleMax))
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
            endpoint.MarkDown(time);
            return false;
        }
        endpoint.MarkUp();
        _endpoint = endpoint;
        pool.CountConnection();
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
                pool.Exchange.Failed(item, NoAnswer.Lost);
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
            pool.Exchange.Complete(item, answer);
            return true;
        }
        Drop();
        // An answer cut short is a lost one; anything else that cannot be read is the server's mistake.
        pool.Exchange.Failed(item, endOfStream ? NoAnswer.Lost : NoAnswer.Unreadable);
        return true;
    }

    private void Drop()
    {
        _socket?.Dispose();
        Volatile.Write(ref _socket, null);
        _endpoint = null;
    }
}
