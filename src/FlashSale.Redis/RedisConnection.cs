using System.Net.Sockets;
using FlashSale.Core.Engine;
using StackExchange.Redis;

namespace FlashSale.Redis;

/// <summary>
/// The one connection of this process to Redis. It is made in the background, restored by itself, and never waited for by
/// a call that could overtake another one. All methods are for any thread.
/// </summary>
public sealed class RedisConnection(RedisOptions options, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan ConnectPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(20);

    // A connection that has answered nothing for so many timeouts is replaced: a peer that vanished without a word would
    // otherwise be noticed by TCP only, after a quarter of an hour. More than one, as a fork or a slow command may take one.
    private const int TimeoutsUntilDead = 3;

    private readonly Lock _gate = new();
    private Task<ConnectionMultiplexer>? _connecting;
    private Task? _loading;
    private Task? _looking;
    private Task? _returning;
    private bool _disposed;
    private long _answeredAt;

    public RedisOptions Options { get; } = options;

    public bool IsConnected => Opened(_connecting) is { IsConnected: true };

    /// <summary>Waits for the first attempt to connect. Whether it came to a connection says <see cref="IsConnected"/>; if not, further attempts follow by themselves.</summary>
    public async Task ConnectAsync(CancellationToken cancel)
    {
        try
        {
            await Connecting().WaitAsync(cancel);
        }
        catch (Exception e) when (IsFault(e))
        {
            // Told by the next call.
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task<ConnectionMultiplexer>? connecting;
        lock (_gate)
        {
            _disposed = true;
            connecting = _connecting;
        }

        if (connecting is null)
            return;
        await ((Task)connecting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (connecting.IsCompletedSuccessfully)
            Close(await connecting);
    }

    /// <summary>Runs a script. What is called one after the other takes effect in that order, or fails; nothing is sent twice.</summary>
    /// <exception cref="StoreUnavailableException">No answer, or a refusal.</exception>
    internal async Task<RedisResult> RunOnceAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments)
    {
        try
        {
            return await Send(script, keys, arguments);
        }
        catch (RedisServerException e) when (IsNoScript(e))
        {
            await LoadScriptsAsync();
            throw new StoreUnavailableException("Redis had lost its scripts (restart, failover or SCRIPT FLUSH); they are loaded again", e);
        }
        catch (Exception e) when (IsFault(e))
        {
            throw Unavailable(e);
        }
    }

    /// <summary>Runs a script whose order among other calls does not matter: waits for a connection as long as for an answer, loads scripts where they are missing.</summary>
    /// <exception cref="StoreUnavailableException">No answer, or a refusal.</exception>
    internal async Task<RedisResult> RunAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments)
    {
        try
        {
            if (_connecting is not { IsCompleted: true })
                await Connecting().WaitAsync(Options.CommandTimeout, time);
            else if (!IsConnected)
                await ReturnedAsync();
            try
            {
                return await Send(script, keys, arguments);
            }
            catch (RedisServerException e) when (IsNoScript(e))
            {
                await LoadScriptsAsync();
                return await Send(script, keys, arguments);
            }
        }
        catch (Exception e) when (IsFault(e))
        {
            throw Unavailable(e);
        }
    }

    /// <summary>The servers to which there is a connection, replicas included.</summary>
    /// <exception cref="StoreUnavailableException">There is none.</exception>
    internal IReadOnlyList<IServer> Servers()
    {
        var multiplexer = Connected();
        return [.. multiplexer.GetEndPoints().Select(e => multiplexer.GetServer(e)).Where(s => s.IsConnected)];
    }

    internal static bool IsFault(Exception e) =>
        e is RedisException or RedisCommandException or TimeoutException or ObjectDisposedException or IOException or SocketException;

    private static bool IsNoScript(RedisServerException e) => e.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal);

    // Before Redis 7 the word stands inside the error of the script.
    private static bool IsOfReplica(RedisServerException e) => e.Message.Contains("READONLY", StringComparison.Ordinal);

    private async Task<RedisResult> Send(RedisScript script, RedisKey[] keys, RedisValue[] arguments)
    {
        var multiplexer = Connected();
        try
        {
            return await Within(multiplexer.GetDatabase().ScriptEvaluateAsync(script.Hash, keys, arguments));
        }
        catch (RedisServerException e) when (IsOfReplica(e))
        {
            LookForMaster(multiplexer);
            throw;
        }
        catch (TimeoutException)
        {
            if (time.GetElapsedTime(Volatile.Read(ref _answeredAt)) > TimeoutsUntilDead * Options.CommandTimeout)
                Replace(multiplexer);
            throw;
        }
    }

    // The old client's asynchronous calls never time out by themselves.
    internal async Task<T> Within<T>(Task<T> call)
    {
        try
        {
            var answer = await call.WaitAsync(Options.CommandTimeout, time);
            Volatile.Write(ref _answeredAt, time.GetTimestamp());
            return answer;
        }
        catch (TimeoutException)
        {
            _ = call.ContinueWith(static late => late.Exception, CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }
    }

    private ConnectionMultiplexer Connected()
    {
        var connecting = Connecting();
        if (Opened(connecting) is { IsConnected: true } multiplexer)
            return multiplexer;
        throw new StoreUnavailableException($"no connection to Redis at {Options.Endpoints}", connecting.Exception?.InnerException);
    }

    /// <summary>
    /// Waits until there is a connection again, but no longer than for an answer. Whoever is refused at once asks again at once, on the thread that
    /// reads from all sockets, and that of the new connection would never get its turn.
    /// </summary>
    private Task ReturnedAsync() => Shared(ref _returning, ReturnAsync);

    private async Task ReturnAsync()
    {
        await Task.Yield();
        var began = time.GetTimestamp();
        while (Opened(Connecting()) is not { IsConnected: true } && time.GetElapsedTime(began) < Options.CommandTimeout)
            await Task.Delay(LookPause, time);
    }

    /// <summary>However many want the same done at a time, it is done once.</summary>
    private Task Shared(ref Task? current, Func<Task> begin)
    {
        lock (_gate)
        {
            if (current is not { IsCompleted: false })
                current = begin();
            return current;
        }
    }

    /// <summary>What a task that has ended well has opened; null before that. Waits for nothing.</summary>
    private static ConnectionMultiplexer? Opened(Task<ConnectionMultiplexer>? connecting) =>
        connecting is { IsCompletedSuccessfully: true } ? connecting.Result : null;

    private Task<ConnectionMultiplexer> Connecting()
    {
        var connecting = _connecting;
        if (connecting is { IsFaulted: false })
            return connecting;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_connecting is null or { IsFaulted: true })
                _connecting = OpenAsync(pause: _connecting is not null);
            return _connecting;
        }
    }

    private async Task<ConnectionMultiplexer> OpenAsync(bool pause)
    {
        // Fails only where not even an attempt can be made (a name that does not resolve); everything else the client repeats by itself.
        await Task.Yield();
        if (pause)
            await Task.Delay(ConnectPause, time);
        var multiplexer = await ConnectionMultiplexer.ConnectAsync(ClientSettings.From(Options));
        ClientSettings.Prepare(multiplexer);
        Volatile.Write(ref _answeredAt, time.GetTimestamp());
        return multiplexer;
    }

    private void Replace(ConnectionMultiplexer dead)
    {
        lock (_gate)
        {
            if (_disposed || Opened(_connecting) != dead)
                return;
            _connecting = null;
        }

        Close(dead);
    }

    /// <summary>Asks all servers who is the master, without waiting for it. By itself the client asks once a minute, and until then sends a part of its calls to what was the master before.</summary>
    private void LookForMaster(ConnectionMultiplexer multiplexer) => _ = Shared(ref _looking, () => LookAsync(multiplexer));

    private static async Task LookAsync(ConnectionMultiplexer multiplexer)
    {
        await Task.Yield();
        try
        {
            await multiplexer.ConfigureAsync();
        }
        catch (Exception e) when (IsFault(e))
        {
            // The next refusal asks again.
        }
    }

    // Without waiting for answers that may never come.
    private static void Close(ConnectionMultiplexer multiplexer)
    {
        multiplexer.Close(allowCommandsToComplete: false);
        multiplexer.Dispose();
    }

    private async Task LoadScriptsAsync()
    {
        try
        {
            await Shared(ref _loading, LoadAsync);
        }
        catch (Exception e) when (IsFault(e))
        {
            throw Unavailable(e);
        }
    }

    private async Task LoadAsync()
    {
        await Task.Yield();
        foreach (var server in Servers())
        {
            foreach (var script in RedisScript.All)
                await Within(server.ScriptLoadAsync(script.Text));
        }
    }

    internal StoreUnavailableException Unavailable(Exception e) => e switch
    {
        StoreUnavailableException already => already,
        RedisServerException refused => new StoreUnavailableException($"Redis refused the call: {refused.Message}{Hint(refused.Message)}", e),
        TimeoutException => new StoreUnavailableException($"Redis did not answer within {Options.CommandTimeout.TotalMilliseconds} ms", e),
        _ => new StoreUnavailableException($"the connection to Redis at {Options.Endpoints} failed: {e.Message}", e),
    };

    private static string Hint(string message) => message.Split(' ', 2)[0] switch
    {
        "OOM" => " (its maxmemory is reached: give it more)",
        "MISCONF" => " (it cannot save to its disk)",
        "READONLY" => " (it is a replica now)",
        "LOADING" => " (it is reading its data after a start)",
        "MOVED" or "ASK" or "TRYAGAIN" => " (the partition's slot is being moved)",
        "CLUSTERDOWN" => " (slots of the cluster have no master)",
        "NOAUTH" or "WRONGPASS" => " (see Redis:User and Redis:Password)",
        "NOPERM" => " (its ACL lacks a right that the scripts need)",
        _ => "",
    };
}
