using FlashSale.Measure.Running;

namespace FlashSale.Measure.Tests;

public class ServerRuntimeTests
{
    [Fact]
    public void Environment_OfTheImage_IsTheSame()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Dockerfile")))
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("no Dockerfile above the tests");
        var image = File.ReadLines(Path.Combine(root, "Dockerfile")).Where(l => l.StartsWith("ENV DOTNET_", StringComparison.Ordinal)).Select(l => l["ENV ".Length..]);
        Assert.Equal(3, ServerRuntime.Environment.Count);
        Assert.Equal(image, ServerRuntime.Environment.Select(e => $"{e.Key}={e.Value}"));
    }
}
