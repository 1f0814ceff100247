using System.Globalization;
using BenchmarkDotNet.Attributes;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Redis;
using StackExchange.Redis;

namespace FlashSale.Benchmarks;

/// <summary>One call of the script per batch of claims of distinct users, on a real Redis, one call at a time. The twin makes the same calls with ready-made arguments.</summary>
[BenchmarkCategory("servers")]
public class RedisApply
{
    private const int Calls = 16;
    private const int Partition = 900;
    private const int TwinPartition = 901;
    private static readonly OwnerToken Token = new(1, 7);
    private static readonly GenesisRecord Genesis = new(new RecordId(5), Sample.Log, "coupon", Partition, 1_000, MachineTopics.KeyHash, 1);

    private readonly List<ApplyBatch> _batches = [];
    private readonly List<RedisValue[]> _arguments = [];
    private RedisConnection _connection = null!;
    private ConnectionMultiplexer _multiplexer = null!;
    private RedisCouponStore _store = null!;

    [Params(10, 100, 1_000)]
    public int Commands { get; set; }

    // The in-process toolchain does not wait for an asynchronous one.
    [GlobalSetup]
    public void Setup() => SetupAsync().GetAwaiter().GetResult();

    private async Task SetupAsync()
    {
        var endpoints = Servers.Redis;
        _connection = new RedisConnection(new RedisOptions { Endpoints = endpoints }, TimeProvider.System);
        await _connection.ConnectAsync(CancellationToken.None);
        _store = new RedisCouponStore(_connection);
        _multiplexer = await ConnectionMultiplexer.ConnectAsync(endpoints);
        var before = new RecordPosition(1, Sample.Id(1));
        foreach (var record in Sample.Claims(Calls, Commands))
        {
            var batch = new ApplyBatch(Sample.Log, Token, before, before.Offset, [record]);
            _batches.Add(batch);
            _arguments.Add(RedisStateStore.Arguments(batch));
            before = record.Position;
        }
    }

    [IterationSetup]
    public void Begin()
    {
        foreach (var partition in new[] { Partition, TwinPartition })
        {
            _multiplexer.GetDatabase().KeyDelete(_store.Keys.Of(partition));
            Expect(FenceState.Held, _store.ResetAsync(partition, Genesis, Token).GetAwaiter().GetResult());
            var open = new ApplyBatch(Sample.Log, Token, new RecordPosition(0, Genesis.Id), 0, [Sample.ToApply(1, [Sample.Open])]);
            Expect(FenceState.Held, _store.ApplyAsync(partition, open).GetAwaiter().GetResult().State);
        }
    }

    [GlobalCleanup]
    public void Cleanup() => CleanupAsync().GetAwaiter().GetResult();

    private async Task CleanupAsync()
    {
        await _multiplexer.GetDatabase().KeyDeleteAsync([.. _store.Keys.Of(Partition), .. _store.Keys.Of(TwinPartition)]);
        _multiplexer.Dispose();
        await _connection.DisposeAsync();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Calls)]
    public async Task ReadyArguments()
    {
        var database = _multiplexer.GetDatabase();
        foreach (var arguments in _arguments)
        {
            var answer = (RedisResult[])(await database.ScriptEvaluateAsync(RedisScript.CouponApply.Hash, _store.Keys.Of(TwinPartition), arguments))!;
            Expect(FenceState.Held, (FenceState)(int)answer[0]);
        }
    }

    [Benchmark(OperationsPerInvoke = Calls)]
    public async Task Apply()
    {
        foreach (var batch in _batches)
            Expect(FenceState.Held, (await _store.ApplyAsync(Partition, batch)).State);
    }

    private static void Expect(FenceState expected, FenceState found)
    {
        if (found != expected)
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"the script answers {found} where {expected} was expected"));
    }
}
