using FlashSale.Chaos.Processes;
using FlashSale.Measure.Running;

namespace FlashSale.Measure.Twins;

/// <summary>The process of <see cref="DoorTwin"/>.</summary>
internal sealed class DoorTwinNode : IAsyncDisposable
{
    /// <summary>What this program is called with to be the twin.</summary>
    public const string Command = "door-twin";

    private static readonly TimeSpan ServingWithin = TimeSpan.FromSeconds(30);

    private readonly ChildProcess _process;

    private DoorTwinNode(Lab lab)
    {
        Url = $"http://127.0.0.1:{lab.Ports.Next()}";
        var folder = AppContext.BaseDirectory;
        _process = new ChildProcess("door-twin", lab.Logs, () => new Launch(Programs.Dotnet,
            // Collector, tiers and thread pool as the server has them.
            ["exec", "--runtimeconfig", Path.Combine(folder, "FlashSale.Server.runtimeconfig.json"), Path.Combine(folder, "FlashSale.Measure.dll"), Command, Url],
            new Dictionary<string, string>(ServerRuntime.Environment) { ["ASPNETCORE_ENVIRONMENT"] = "Production" }));
    }

    public string Url { get; }

    public IReadOnlyList<KeyValuePair<string, int>> Processes => [KeyValuePair.Create(LoadWindow.Server, _process.Id)];

    public static async Task<DoorTwinNode> StartAsync(Lab lab, CancellationToken cancel)
    {
        var twin = new DoorTwinNode(lab);
        twin._process.Start();
        await twin._process.ServingAsync(ServingWithin, async () =>
        {
            try
            {
                await Metrics.ReadAsync(twin.Url, cancel);
                return null;
            }
            catch (MeasureException e)
            {
                return e.Message;
            }
        }, cancel);
        return twin;
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
