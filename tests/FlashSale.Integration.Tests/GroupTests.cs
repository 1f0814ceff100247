using System.Collections.Concurrent;
using FlashSale.Integration.Tests.Harness;
using FlashSale.Kafka;
using Microsoft.Extensions.Logging;

namespace FlashSale.Integration.Tests;

/// <summary>Membership in a group, without a server around it.</summary>
[Collection(Servers.Name)]
[Trait("Engine", "any")]
public sealed class GroupTests(Stack stack, ITestOutputHelper output)
{
    private const int Partitions = 2;
    private const int Assigned = 105;

    private static readonly TimeSpan Within = TimeSpan.FromSeconds(20);

    /// <summary>Three times as long as the client waits at most before it joins once more.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(3);

    /// <summary>A member without partitions joins once more, and then leaves the others in peace.</summary>
    [ServersFact]
    public async Task Members_MoreThanPartitions_ComeToRest()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var topic = installation.Topics.Commands;
        await installation.CreateTopicAsync(topic, Partitions, []);
        using var stop = new CancellationTokenSource();
        var running = new ConcurrentDictionary<int, string>();
        var counts = new CountingLogger();
        var members = Enumerable.Range(0, Partitions + 1).Select(i => RunAsync($"member {i}")).ToList();
        try
        {
            await Wait.UntilAsync("all partitions run, and every member knows of it", Within, () => running.Count == Partitions && counts.Of(Assigned) > Partitions);
            await Task.Delay(Rest);
            var before = counts.Of(Assigned);
            await Task.Delay(Rest);
            Assert.Equal(before, counts.Of(Assigned));
            Assert.Equal(Partitions, running.Values.Distinct().Count());
            output.WriteLine($"{before} assignments until they rested");
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(members);
        }

        Assert.Empty(running);

        Task RunAsync(string name) => new KafkaGroup(installation.KafkaOptions, "test", topic, counts).RunAsync(
            async (partition, cancel) =>
            {
                Assert.True(running.TryAdd(partition, name), $"{name} and {running.GetValueOrDefault(partition)} run partition {partition}");
                await Task.Delay(Timeout.Infinite, cancel).ContinueWith(static _ => { }, TaskScheduler.Default);
                Assert.True(running.TryRemove(partition, out _));
            },
            stop.Token);
    }

    private sealed class CountingLogger : ILogger<KafkaGroup>
    {
        private readonly ConcurrentDictionary<int, int> _counts = [];

        public int Of(int id) => _counts.GetValueOrDefault(id);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _counts.AddOrUpdate(eventId.Id, 1, static (_, n) => n + 1);
    }
}
