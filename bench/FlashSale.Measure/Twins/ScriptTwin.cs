using System.Diagnostics;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Measure.Running;
using FlashSale.Redis;
using StackExchange.Redis;

namespace FlashSale.Measure.Twins;

/// <summary>
/// The engine's twin: the same script, called with the same records in the same batches, in a raw pipelined loop whose arguments are made beforehand.
/// Nothing is read, told or looked at.
/// </summary>
internal sealed class ScriptTwin : IAsyncDisposable
{
    /// <summary>Calls of a partition under way: more than the engine's three give no more here.</summary>
    private const int CallsInFlight = 4;

    private static readonly OwnerToken Token = new(1, 7);
    private static readonly EngineOptions Bounds = new();

    private readonly RedisConnection _connection;
    private readonly ConnectionMultiplexer _multiplexer;
    private readonly RedisCouponStore _store;

    private ScriptTwin(RedisConnection connection, ConnectionMultiplexer multiplexer)
    {
        _connection = connection;
        _multiplexer = multiplexer;
        _store = new RedisCouponStore(connection);
    }

    public static async Task<ScriptTwin> ConnectAsync(Lab lab, CancellationToken cancel)
    {
        var connection = new RedisConnection(new RedisOptions { Endpoints = lab.Stack.Redis }, TimeProvider.System);
        await connection.ConnectAsync(cancel);
        return new ScriptTwin(connection, await ConnectionMultiplexer.ConnectAsync(lab.Stack.Redis));
    }

    /// <summary>Applies all records of all partitions, the genesis excepted; yields the seconds that it took.</summary>
    public async Task<double> RunAsync(IReadOnlyList<LogRecord>[] partitions)
    {
        var prepared = new List<(RedisKey[] Keys, List<RedisValue[]> Calls)>();
        for (var p = 0; p < partitions.Length; p++)
        {
            if (partitions[p].Count > 1)
                prepared.Add((_store.Keys.Of(p), await PrepareAsync(p, partitions[p])));
        }

        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(prepared.Select(p => CallAsync(p.Keys, p.Calls)));
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    public async ValueTask DisposeAsync()
    {
        _multiplexer.Dispose();
        await _connection.DisposeAsync();
    }

    /// <summary>An empty state of the partition, and the arguments of every call.</summary>
    private async Task<List<RedisValue[]>> PrepareAsync(int partition, IReadOnlyList<LogRecord> records)
    {
        var genesis = GenesisRecord.TryDecode(records[0].Value.Span) ?? throw new MeasureException($"partition {partition} does not begin with a genesis record");
        Expect(FenceState.Held, await _store.ResetAsync(partition, genesis, Token));
        var calls = new List<RedisValue[]>();
        var before = new RecordPosition(0, genesis.Id);
        for (var next = 1; next < records.Count;)
        {
            var batch = new List<CommandToApply>();
            for (var commands = 0; next < records.Count && batch.Count < Bounds.BatchRecordsMax; next++)
            {
                var record = new CommandToApply(records[next].Offset, CouponRecord.Inspect(records[next].Value.Span), records[next].Value);
                commands += record.Info.Commands;
                if (batch.Count > 0 && commands > Bounds.BatchCommandsMax)
                    break;
                batch.Add(record);
            }

            calls.Add(RedisStateStore.Arguments(new ApplyBatch(genesis.Log, Token, before, before.Offset, batch)));
            before = batch[^1].Position;
        }

        return calls;
    }

    private async Task CallAsync(RedisKey[] keys, List<RedisValue[]> calls)
    {
        var database = _multiplexer.GetDatabase();
        var inFlight = new Queue<Task<RedisResult>>();
        foreach (var arguments in calls)
        {
            if (inFlight.Count == CallsInFlight)
                Check(await inFlight.Dequeue());
            inFlight.Enqueue(database.ScriptEvaluateAsync(RedisScript.CouponApply.Hash, keys, arguments));
        }

        while (inFlight.TryDequeue(out var call))
            Check(await call);
    }

    private static void Check(RedisResult answer) => Expect(FenceState.Held, (FenceState)(int)((RedisResult[])answer!)[0]);

    private static void Expect(FenceState expected, FenceState found)
    {
        if (found != expected)
            throw new MeasureException($"the script answers {found} to the twin where {expected} was expected");
    }
}
