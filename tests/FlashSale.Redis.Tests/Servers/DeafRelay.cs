using System.Net;
using System.Net.Sockets;

namespace FlashSale.Redis.Tests.Servers;

/// <summary>Stands between client and server; on demand it stops relaying for the connections that are open, and leaves them open.</summary>
internal sealed class DeafRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly Task _accepting;
    private readonly List<TcpClient> _clients = [];
    private CancellationTokenSource _hearing = new();

    public DeafRelay(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void DeafenOpenConnections()
    {
        var before = Interlocked.Exchange(ref _hearing, new CancellationTokenSource());
        before.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var client in _clients)
            client.Dispose();
        _hearing.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var near = await _listener.AcceptTcpClientAsync();
            var far = new TcpClient();
            _clients.AddRange([near, far]);
            await far.ConnectAsync(IPAddress.Loopback, _target);
            var hearing = _hearing.Token;
            _ = RelayAsync(near.GetStream(), far.GetStream(), hearing);
            _ = RelayAsync(far.GetStream(), near.GetStream(), hearing);
        }
    }

    private static async Task RelayAsync(NetworkStream from, NetworkStream to, CancellationToken hearing)
    {
        try
        {
            await from.CopyToAsync(to, hearing);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // Deaf from now on, or at the end of the test.
        }
    }
}
