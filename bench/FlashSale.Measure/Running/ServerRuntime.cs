namespace FlashSale.Measure.Running;

/// <summary>What the runtime of a server that runs for long gets from its environment: <c>runtime.env</c> of the server.</summary>
internal static class ServerRuntime
{
    public static IReadOnlyDictionary<string, string> Environment { get; } = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "runtime.env"))
        .Where(static l => l.Length > 0 && l[0] != '#').Select(static l => l.Split('=', 2)).ToDictionary(static p => p[0], static p => p[1]);
}
