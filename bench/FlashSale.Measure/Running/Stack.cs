using System.Globalization;
using FlashSale.Chaos.Servers;

namespace FlashSale.Measure.Running;

/// <summary>Kafka, Redis and the database, as <c>scripts/stack.sh</c> has started them.</summary>
/// <param name="Pids">Their processes by name; empty where they run in containers.</param>
internal sealed record Stack(string Kafka, string Redis, string MySql, IReadOnlyDictionary<string, int> Pids)
{
    private static readonly TimeSpan RedisWithin = TimeSpan.FromSeconds(60);

    private int RedisPort => int.Parse(Redis.AsSpan(Redis.LastIndexOf(':') + 1), CultureInfo.InvariantCulture);

    /// <exception cref="MeasureException">Something is missing; says how to mend it.</exception>
    public static Stack FromEnvironment()
    {
        var kafka = Environment.GetEnvironmentVariable("FLASHSALE_KAFKA");
        var redis = Environment.GetEnvironmentVariable("FLASHSALE_REDIS");
        var mysql = Environment.GetEnvironmentVariable("FLASHSALE_MYSQL");
        if (string.IsNullOrEmpty(kafka) || string.IsNullOrEmpty(redis) || string.IsNullOrEmpty(mysql))
            throw new MeasureException("FLASHSALE_KAFKA, FLASHSALE_REDIS and FLASHSALE_MYSQL must be set: scripts/measure.sh starts the servers and sets them");
        var folder = Environment.GetEnvironmentVariable("FLASHSALE_RUN_DIR") ?? ".run/measure";
        return new Stack(kafka, redis, mysql, new Dictionary<string, string> { ["Kafka"] = "kafka", ["Redis"] = "redis", ["database"] = "mysql" }
            .Select(s => (s.Key, Pid: PidOf(Path.Combine(folder, s.Value, "pid"))))
            .Where(s => s.Pid > 0)
            .ToDictionary(s => s.Key, s => s.Pid));
    }

    /// <summary>Bytes that Redis has allocated for data and buffers.</summary>
    public async Task<long> RedisBytesAsync() => long.Parse(await RedisInfoAsync("memory", "used_memory"), CultureInfo.InvariantCulture);

    public Task<string> RedisVersionAsync() => RedisInfoAsync("server", "redis_version");

    /// <summary>Empties Redis, and its AOF, which would be written anew in the midst of a later row; waits until its memory is free again.</summary>
    public async Task FlushRedisAsync(CancellationToken cancel)
    {
        await RedisCall.SendAsync(RedisPort, "FLUSHALL ASYNC");
        await UntilAsync("given its memory back", async () => await RedisBytesAsync() <= 32 << 20, cancel);
        await RewriteAofAsync(cancel);
    }

    /// <summary>Has Redis write its AOF anew, as short as it can be, and waits for the end of it.</summary>
    public async Task RewriteAofAsync(CancellationToken cancel)
    {
        // One that is under way is waited for: two cannot run, and it does not know of what was written since it began.
        await UntilAsync("come to the end of its AOF", NotRewritingAsync, cancel);
        await RedisCall.SendAsync(RedisPort, "BGREWRITEAOF");
        await UntilAsync("written its AOF anew", NotRewritingAsync, cancel);
    }

    private async Task<bool> NotRewritingAsync() =>
        await RedisInfoAsync("persistence", "aof_rewrite_in_progress") == "0" && await RedisInfoAsync("persistence", "aof_rewrite_scheduled") == "0";

    private static async Task UntilAsync(string what, Func<Task<bool>> holds, CancellationToken cancel)
    {
        for (var until = Environment.TickCount64 + (long)RedisWithin.TotalMilliseconds; !await holds();)
        {
            if (Environment.TickCount64 > until)
                throw new MeasureException($"Redis has not {what} within {RedisWithin.TotalSeconds:0} s");
            await Task.Delay(100, cancel);
        }
    }

    private async Task<string> RedisInfoAsync(string section, string name)
    {
        var lines = (await RedisCall.SendAsync(RedisPort, $"INFO {section}")).Split('\n');
        return Array.Find(lines, l => l.StartsWith($"{name}:", StringComparison.Ordinal))?[(name.Length + 1)..].Trim()
            ?? throw new MeasureException($"Redis does not tell its {name}");
    }

    private static int PidOf(string file) =>
        File.Exists(file) && int.TryParse(File.ReadAllText(file).Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : 0;
}
