using System.Globalization;
using FlashSale.Chaos.Processes;

namespace FlashSale.Measure.Running;

/// <summary>The load generator wrk, where it is installed: a second opinion on ours.</summary>
internal static class Wrk
{
    private const string Rate = "Requests/sec:";

    private const string Script =
        """
        -- The answers are not looked at: every user claims once.
        local user = 0
        local prefix = "w" .. tostring(os.time()) .. "-"
        request = function()
          user = user + 1
          return wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, '{"userId":"' .. prefix .. user .. '"}')
        end

        """;

    private static readonly string? Program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, "wrk")).FirstOrDefault(File.Exists);

    public static bool IsThere => Program is not null;

    /// <summary>Claims a second of each address in turn, in closed loop; null where there is no wrk.</summary>
    public static async Task<double[]?> RunAsync(Lab lab, IReadOnlyList<string> urls, string campaign, int seconds, CancellationToken cancel)
    {
        if (!IsThere)
        {
            lab.Say("  wrk is not installed (apt install wrk): no second opinion on the load generator");
            return null;
        }

        var script = Path.Combine(lab.Logs, "wrk.lua");
        await File.WriteAllTextAsync(script, Script, cancel);
        var rates = new List<double>();
        foreach (var url in urls)
        {
            await using var process = new ChildProcess(string.Create(CultureInfo.InvariantCulture, $"wrk-{rates.Count}"), lab.Logs, () => new Launch(Program!,
                ["-t1", $"-c{Lab.FullLoadConnections}", $"-d{seconds}s", "-s", script, $"{url}/api/campaigns/{campaign}/claims"], new Dictionary<string, string>()));
            process.Start();
            await process.ExitAsync(cancel);
            var found = Array.Find(await File.ReadAllLinesAsync(process.Log, cancel), l => l.StartsWith(Rate, StringComparison.Ordinal));
            if (found is null)
                throw new MeasureException($"wrk did not come to a figure: {process.Log}");
            rates.Add(double.Parse(found.AsSpan(Rate.Length), CultureInfo.InvariantCulture));
        }

        return [.. rates];
    }
}
