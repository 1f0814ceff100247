using BenchmarkDotNet.Attributes;
using FlashSale.Core;
using FlashSale.Core.Door;

namespace FlashSale.Benchmarks;

/// <summary>Group commit: so many commands gather behind an append and are acknowledged together. The twin is as many bare waits for one task.</summary>
[BenchmarkCategory("stable")]
public class Gathering
{
    private readonly HeldAppender _appender = new();
    private GroupCommit _commit = null!;
    private Core.Coupons.CouponCommand[] _commands = [];

    [Params(100, 1_000)]
    public int Commands { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _commands = [.. Enumerable.Range(0, Commands).Select(Sample.Claim)];
        var options = new DoorOptions { AppendInterval = TimeSpan.Zero, AppendRate = 0, AppendsInFlightMax = 1 };
        _commit = new GroupCommit("commands", 0, _appender, static (_, _) => 1, new AppendPace(options, TimeProvider.System), RandomIds.Shared, options, TimeProvider.System);
    }

    [Benchmark(Baseline = true)]
    public Task Wait()
    {
        var acknowledged = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = new Task<long>[_commands.Length];
        for (var i = 0; i < waiting.Length; i++)
            waiting[i] = WaitAsync(acknowledged.Task);
        acknowledged.SetResult(1);
        return Task.WhenAll(waiting);
    }

    [Benchmark]
    public Task Gather()
    {
        var waiting = new Task<AppendResult>[_commands.Length];
        _appender.Hold();
        for (var i = 0; i < waiting.Length; i++)
            waiting[i] = WaitAsync(_commit.AppendAsync(_commands[i]));
        _appender.Release();
        return Task.WhenAll(waiting);
    }

    private static async Task<long> WaitAsync(Task<long> task) => await task;

    private static async Task<AppendResult> WaitAsync(Appending appending) => await appending;

    /// <summary>Acknowledges nothing while held, then everything at once.</summary>
    private sealed class HeldAppender : Core.Log.ILogAppender
    {
        private TaskCompletionSource<long> _held = new();

        public void Hold() => _held = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Release() => _held.SetResult(1);

        public Task<long> AppendAsync(string topic, int partition, ReadOnlyMemory<byte> value) => _held.Task;
    }
}
