using FlashSale.Core.Engine;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using FlashSale.Redis;

namespace FlashSale.Server.Hosting;

/// <summary>Brings the node up (waiting for servers that are not there yet), runs its roles, and ends them when the host stops.</summary>
internal sealed class NodeService(
    Node node, Settings settings, Observers observers, TimeProvider time, ILoggerFactory loggers, IHostApplicationLifetime lifetime) : BackgroundService
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RefusedPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan EndsInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReachMax = TimeSpan.FromSeconds(2);

    private readonly ILogger _logger = loggers.CreateLogger<NodeService>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        // The machines give their partitions back at once, not only after the last request has ended.
        var stop = lifetime.ApplicationStopping;
        try
        {
            ServerLogMessages.Starting(_logger, settings.Server.Roles, settings.Server.Profile);
            if (settings.Roles.HasFlag(Roles.Machines))
                ServerLogMessages.Engine(_logger, Names.Of(settings.EngineKind), settings.Server.Engine.Length > 0 ? "as set" : "the default here");
            await using var parts = new NodeParts(settings, observers, time, loggers);
            await StartAsync(parts, stop);
            await Task.WhenAll(Run(parts, stop).Select(GuardAsync));
            // Requests that are being answered still need the parts.
            await Task.Delay(Timeout.Infinite, stoppingToken).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopped while starting.
        }
        catch (Exception e) when (e is LogRefusedException or RedisRefusedException)
        {
            ServerLogMessages.Refused(_logger, e.Message);
            node.Fatal = e.Message;
            lifetime.StopApplication();
        }
    }

    /// <summary>A part that ends by a fault nobody has thought of must not leave a half-dead process: it is told, and the process ends to be started again.</summary>
    private async Task GuardAsync(Task part)
    {
        try
        {
            await part;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            ServerLogMessages.Unexpected(_logger, e);
            node.Fatal = e.Message;
            lifetime.StopApplication();
        }
    }

    private async Task StartAsync(NodeParts parts, CancellationToken stop)
    {
        if (parts.Broker is not null)
            ServerLogMessages.NotARealBroker(_logger);
        // Side by side, as each has servers to wait for and code to be compiled: one after the other, a start took 2.16 and not 1.89 s (medians of six, in turns). The first that refuses ends the others.
        using var refused = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var log = IdentifyAsync(parts, refused.Token);
        await Task.WhenAll(EndOthersAsync(log), EndOthersAsync(CheckRedisAsync(parts, refused.Token)), EndOthersAsync(ReachLedgerAsync(parts, refused.Token)));
        if (parts.MachinesLog is not null)
            await ReachStateAsync(parts.States, await log, stop);
        ServerLogMessages.Identified(_logger, await log, settings.Kafka.Partitions);
        node.Compose(await log, parts);
        node.WaitingFor = null;

        async Task EndOthersAsync(Task part)
        {
            try
            {
                await part;
            }
            catch (Exception)
            {
                refused.Cancel();
                throw;
            }
        }
    }

    /// <summary>The topics are what they must be, and their log is known. A process that has machines reads a record of each topic then.</summary>
    private async Task<LogId> IdentifyAsync(NodeParts parts, CancellationToken stop)
    {
        var topics = parts.Topics();
        var log = await RetryAsync("Kafka", () => parts.Broker is null
            ? topics.EnsureAsync(parts.StartLog, parts.Appender, stop)
            : topics.EnsureGenesisAsync(parts.StartLog, parts.Appender, stop), stop);
        if (parts.MachinesLog is { } machines)
            await RetryAsync("Kafka", () => ReachAsync(machines, parts.Machine.Topics, stop), stop);
        return log;
    }

    private async Task CheckRedisAsync(NodeParts parts, CancellationToken stop)
    {
        if (parts.Redis is not { } redis)
            return;
        foreach (var warning in await RetryAsync("Redis", () => RedisChecks.RunAsync(redis), stop))
            ServerLogMessages.StartWarning(_logger, warning);
    }

    /// <summary>Calls the script as nobody's owner, which the fence refuses: once partitions move here, it is loaded and its call compiled.</summary>
    private async Task ReachStateAsync(IStateStore states, LogId log, CancellationToken stop)
    {
        try
        {
            await states.ApplyAsync(0, new ApplyBatch(log, default, default, -1, [])).WaitAsync(ReachMax, time, stop);
        }
        catch (Exception e) when (e is TimeoutException or StoreUnavailableException)
        {
            // The takeover will meet it.
        }
    }

    /// <summary>
    /// Reads a record of each topic. The partitions that a process takes over stand still until it runs them: by then its client knows the
    /// brokers and the topics, and the code is compiled.
    /// </summary>
    private async Task<bool> ReachAsync(KafkaLog log, MachineTopics topics, CancellationToken stop)
    {
        foreach (var topic in new[] { topics.Commands, topics.Events })
        {
            var bounds = await log.BoundsAsync(topic, 0, stop);
            if (bounds.End == bounds.Start)
                continue;
            await using var reader = log.Read(topic, 0, bounds.End - 1);
            try
            {
                await reader.ReadAsync(1, 1, stop).AsTask().WaitAsync(ReachMax, time, stop);
            }
            catch (TimeoutException)
            {
                // The takeover will wait for it, as it would have anyway.
            }
        }

        return true;
    }

    /// <summary>Reads a mark: else the database's driver is made ready while partitions that have just moved here stand still. Whether the database answers is the writers' concern.</summary>
    private async Task ReachLedgerAsync(NodeParts parts, CancellationToken stop)
    {
        if (parts.MachinesLog is null || parts.Ledger is not { } ledger)
            return;
        try
        {
            await ledger.MigrateAsync(stop).WaitAsync(ReachMax, time, stop);
            await ledger.ReadMarkAsync(0, stop).WaitAsync(ReachMax, time, stop);
        }
        catch (Exception e) when (e is TimeoutException or LedgerUnavailableException or LogRefusedException)
        {
            // Told by the writers, who meet it again.
        }
    }

    private async Task<T> RetryAsync<T>(string what, Func<Task<T>> attempt, CancellationToken stop)
    {
        string? told = null;
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                return await attempt();
            }
            catch (Exception e) when (e is LogUnavailableException or StoreUnavailableException)
            {
                node.WaitingFor = $"waiting for {what}: {e.Message}";
                if (told != e.Message)
                    ServerLogMessages.WaitingFor(_logger, what, e.Message);
                told = e.Message;
                await Task.Delay(RetryPause, time, stop);
            }
        }
    }

    private IEnumerable<Task> Run(NodeParts parts, CancellationToken stop)
    {
        if (node.Door is { } door)
        {
            foreach (var follower in door.Partitions)
                yield return Task.Run(() => follower.RunAsync(stop), CancellationToken.None);
            yield return WatchEndsAsync(parts, stop);
        }

        if (node.Engine is { } engine)
        {
            yield return engine.RunAsync(stop);
            yield return TellRebuildsAsync(stop);
        }

        if (node.Ledgers.Count > 0)
            yield return RunGroup(parts, "ledger", parts.Machine.Topics.Events, RunLedgerAsync, stop);
    }

    private Task RunGroup(
        NodeParts parts, string role, string topic, Func<int, CancellationToken, Task> run, CancellationToken stop) =>
        // The embedded broker lives in this process, so nobody shares its partitions.
        parts.Broker is null
            ? parts.Group(role, topic).RunAsync(run, stop)
            : Task.WhenAll(Enumerable.Range(0, settings.Kafka.Partitions).Select(p => Task.Run(() => run(p, stop), CancellationToken.None)));

    /// <summary>Runs a ledger writer; one that refuses is tried again, as its cause may be mended.</summary>
    private async Task RunLedgerAsync(int partition, CancellationToken cancel)
    {
        string? told = null;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await node.Ledgers[partition].RunAsync(cancel);
            }
            catch (LogRefusedException e)
            {
                if (told != e.Message)
                    ServerLogMessages.Refused(_logger, e.Message);
                told = e.Message;
                await Task.Delay(RefusedPause, time, cancel).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
        }
    }

    /// <summary>Looks once a second how far the command partitions reach, for the lag.</summary>
    private async Task WatchEndsAsync(NodeParts parts, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(EndsInterval, time);
        try
        {
            do
            {
                try
                {
                    foreach (var follower in node.Door!.Partitions)
                        follower.SeenEnd((await parts.ApiLog!.BoundsAsync(parts.Machine.Topics.Commands, follower.Partition, stop)).End);
                }
                catch (LogUnavailableException)
                {
                    // Reported by the followers and by appends; the lag keeps its last value.
                }
            }
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    /// <summary>Says once a second how far rebuilds are.</summary>
    private async Task TellRebuildsAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(EndsInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                foreach (var progress in node.Machines.Select(m => m.Progress).Where(p => p.State == PartitionState.Rebuilding))
                    ServerLogMessages.Rebuilding(_logger, progress.Partition, progress.Applied, progress.RebuildTo);
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }
}
