using System.Net;
using System.Net.Sockets;
using FlashSale.Chaos.Processes;

namespace FlashSale.Chaos.Servers;

/// <summary>One process of FlashSale's server.</summary>
internal sealed class ServerNode : IAsyncDisposable
{
    private static readonly TimeSpan ServingWithin = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(15);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    private readonly Uri _address;

    public ServerNode(string name, string roles, IReadOnlyDictionary<string, string> settings, string logs, Ports ports)
    {
        _address = new Uri($"http://127.0.0.1:{ports.Next()}");
        var all = new Dictionary<string, string>(settings) { ["ASPNETCORE_URLS"] = Url, ["Roles"] = roles };
        all.TryAdd("ASPNETCORE_ENVIRONMENT", "Development");
        Process = new ChildProcess(name, logs, () => new Launch(Programs.Dotnet, [Path.Combine(AppContext.BaseDirectory, "FlashSale.Server.dll")], all));
    }

    public string Url => _address.GetLeftPart(UriPartial.Authority);

    public ChildProcess Process { get; }

    public void Start() => Process.Start();

    /// <summary>Waits until the process is up: it answers, ready or not, as readiness also needs the other servers.</summary>
    public Task AnsweringAsync(CancellationToken cancel) => Process.ServingAsync(ServingWithin, () => AskAsync(_ => true, cancel), cancel);

    public Task ReadyAsync(CancellationToken cancel) => Process.ServingAsync(ServingWithin, () => NotReadyAsync(cancel), cancel);

    /// <summary>Why the process is not ready now; null when it is.</summary>
    public Task<string?> NotReadyAsync(CancellationToken cancel) => AskAsync(status => status == HttpStatusCode.OK, cancel);

    public Task TerminateAsync() => Process.TerminateAsync(StopWithin);

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    private async Task<string?> AskAsync(Func<HttpStatusCode, bool> enough, CancellationToken cancel)
    {
        try
        {
            using var response = await Http.GetAsync(new Uri(_address, "/health/ready"), cancel);
            return enough(response.StatusCode) ? null : await response.Content.ReadAsStringAsync(cancel);
        }
        catch (Exception e) when (e is HttpRequestException or SocketException)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return "it does not answer";
        }
    }
}
