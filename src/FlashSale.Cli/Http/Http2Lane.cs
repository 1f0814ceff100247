using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace FlashSale.Cli.Http;

/// <summary>
/// One stream at a time of HTTP/2 connections that the lanes of a pool share: the framework's client opens another connection
/// where the server allows no further stream on those there are (Kestrel: 100 each).
/// </summary>
internal sealed class Http2Lane(LanePool pool, HttpMessageInvoker client, TimeProvider time) : Lane(pool, time)
{
    private static readonly MediaTypeHeaderValue JsonType = new("application/json");

    private readonly byte[] _parts = new byte[IExchange.RequestBytesMax];
    private byte[] _received = new byte[ReceiveBytes];
    private CancellationTokenSource _abort = new();

    /// <summary>The client of a pool; <paramref name="connected"/> is called for each connection made.</summary>
    public static HttpMessageInvoker CreateClient(Action connected) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        EnableMultipleHttp2Connections = true,
        ConnectCallback = async (context, cancellation) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
            connected();
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    protected override async ValueTask ExchangeAsync(int item)
    {
        HttpEndpoint? endpoint = Pool.ChooseEndpoint(connected: null);
        if (endpoint is null)
        {
            Pool.NotConnected(item);
            return;
        }
        if (_abort.IsCancellationRequested)
            Interlocked.Exchange(ref _abort, new CancellationTokenSource()).Dispose();
        try
        {
            using HttpRequestMessage request = Write(item, endpoint);
            using HttpResponseMessage response = await client.SendAsync(request, _abort.Token);
            int length = await ReceiveAsync(response, _abort.Token);
            endpoint.MarkUp();
            int retryAfter = (int)(response.Headers.RetryAfter?.Delta?.TotalSeconds ?? 0);
            Pool.Exchange.Complete(item, new HttpAnswer((int)response.StatusCode, _received.AsSpan(0, length), retryAfter, close: false));
        }
        // SocketException: see ApiClient.
        catch (Exception e) when (e is SocketException or HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError })
        {
            endpoint.MarkDown(Time);
            Pool.NotConnected(item);
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.InvalidResponse)
        {
            Pool.Exchange.Failed(item, NoAnswer.Unreadable);
        }
        // A stream that the server resets is as lost as a connection that breaks.
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            Pool.Exchange.Failed(item, NoAnswer.Lost);
        }
    }

    protected override void Abort()
    {
        try
        {
            Volatile.Read(ref _abort).Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It was replaced at this moment, because it had been used before.
        }
    }

    private HttpRequestMessage Write(int item, HttpEndpoint endpoint)
    {
        var parts = new RequestWriter(_parts);
        Pool.Exchange.Write(item, ref parts);
        var request = new HttpRequestMessage(parts.HasBody ? HttpMethod.Post : HttpMethod.Get, new Uri(endpoint.Url, Encoding.UTF8.GetString(parts.Path)))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (!parts.IdempotencyKey.IsEmpty)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", Encoding.ASCII.GetString(parts.IdempotencyKey));
        if (parts.HasBody)
        {
            int start = parts.Path.Length + parts.IdempotencyKey.Length;
            request.Content = new ReadOnlyMemoryContent(_parts.AsMemory(start, parts.Body.Length));
            request.Content.Headers.ContentType = JsonType;
        }
        return request;
    }

    private async ValueTask<int> ReceiveAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        using Stream body = await response.Content.ReadAsStreamAsync(cancellation);
        int length = 0;
        while (true)
        {
            if (length == _received.Length)
            {
                if (length >= ReceiveBytesMax)
                    throw new IOException("The answer is too long.");
                Array.Resize(ref _received, _received.Length * 2);
            }
            int got = await body.ReadAsync(_received.AsMemory(length), cancellation);
            if (got == 0)
                return length;
            length += got;
        }
    }
}
