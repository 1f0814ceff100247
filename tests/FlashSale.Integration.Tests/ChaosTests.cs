using System.Diagnostics;
using FlashSale.Chaos;
using FlashSale.Chaos.Processes;
using FlashSale.Integration.Tests.Harness;

namespace FlashSale.Integration.Tests;

/// <summary>A minute of scripts/chaos.sh, with a seed of its own each time. It brings its own servers.</summary>
[Collection(Servers.Name)]
[Trait("Engine", "any")]
public sealed class ChaosTests(ITestOutputHelper output)
{
    /// <summary>A minute of faults, at most two until it must have recovered, and the start before and the audit after them.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(5);

    [ChaosFact]
    public async Task Chaos_OneMinuteWithFreshSeed_IsExact()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}: scripts/chaos.sh --minutes 1 --seed {seed}");
        var folder = Directory.CreateTempSubdirectory("flashsale-chaos-");
        try
        {
            var start = new ProcessStartInfo("dotnet",
                [Path.Combine(AppContext.BaseDirectory, "FlashSale.Chaos.dll"), "--minutes", "1", "--seed", $"{seed}", "--folder", folder.FullName])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["KAFKA_HOME"] = Stack.KafkaHome;
            using var process = Process.Start(start)!;
            var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            try
            {
                await process.WaitForExitAsync().WaitAsync(Bound);
            }
            catch (TimeoutException)
            {
                // Asked to end, it ends its servers; killed, it would leave them behind.
                using var ask = Process.Start("kill", ["-TERM", $"{process.Id}"]);
                await process.WaitForExitAsync().WaitAsync(Bound);
                throw;
            }

            foreach (var text in await said)
                output.WriteLine(text);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

/// <summary>A test that starts three brokers, two Redis and a database of its own.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ChaosFactAttribute : FactAttribute
{
    public ChaosFactAttribute()
    {
        try
        {
            Programs.KafkaHome(Stack.KafkaHome);
            Programs.RedisServer();
            Programs.MySqlServer();
        }
        catch (ChaosException e)
        {
            Skip = e.Message;
        }
    }
}
