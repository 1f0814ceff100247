using FlashSale.Core.Log;
using FlashSale.Integration.Tests.Harness;

namespace FlashSale.Integration.Tests;

/// <summary>A log, a state or a record that is not what it must be.</summary>
[Collection(Servers.Name)]
[Trait("Engine", "any")]
public sealed class LogTests(Stack stack, ITestOutputHelper output)
{
    private static readonly TimeSpan ExitTimeout = TimeSpan.FromSeconds(30);

    [ServersTheory]
    [InlineData(4, "retention.ms", "-1", "set Kafka:Partitions=4")]
    [InlineData(8, "retention.ms", "604800000", "set retention.ms=-1")]
    [InlineData(8, "retention.bytes", "1000000000", "set retention.bytes=-1")]
    [InlineData(8, "cleanup.policy", "compact", "set cleanup.policy=delete")]
    public async Task Start_TopicThatCouldForget_SaysWhatToDo(int partitions, string setting, string value, string advice)
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var settings = new Dictionary<string, string> { ["retention.ms"] = "-1", [setting] = value };
        await installation.CreateTopicAsync(installation.Topics.Commands, partitions, settings);
        var server = installation.Start("one");
        Assert.Equal(1, await server.ExitAsync(ExitTimeout));
        Assert.Contains(server.Tail(50), line => line.Contains(installation.Topics.Commands, StringComparison.Ordinal) && line.Contains(advice, StringComparison.Ordinal));
    }

    [ServersFact]
    public async Task Start_EventsWithAnotherNumberOfPartitions_SaysWhatToDo()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        await installation.CreateTopicAsync(installation.Topics.Events, 4, []);
        var server = installation.Start("one");
        Assert.Equal(1, await server.ExitAsync(ExitTimeout));
        Assert.Contains(server.Tail(50), line => line.Contains($"topic {installation.Topics.Events} has 4 partitions", StringComparison.Ordinal));
    }

    /// <summary>Whichever engine it runs: there is no internal topic that could be missing, or that it would need rights for.</summary>
    [ServersFact]
    public async Task Sale_LeavesTheTopicsOfTheMachineAndNoOthers()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("one");
        using var sale = new Sale(server);
        await sale.OpenAsync("small", quantity: 1);
        await sale.DecideAsync("small", "somebody", TimeSpan.FromSeconds(10));
        Assert.Equal(
            new[] { installation.Topics.Commands, installation.Topics.Events, installation.Topics.DeadLetters }.Order(StringComparer.Ordinal),
            installation.TopicNames().Order(StringComparer.Ordinal));
    }

    [ServersTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Start_RedisThatMayEvict_IsRefused(bool kafkaIsAway)
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        await stack.RedisAsync("CONFIG SET maxmemory-policy allkeys-lru");
        try
        {
            var server = installation.Start("one", kafkaIsAway ? [("Kafka:BootstrapServers", "127.0.0.1:1")] : []);
            Assert.Equal(1, await server.ExitAsync(ExitTimeout));
            Assert.Contains(server.Tail(50), line => line.Contains("allkeys-lru", StringComparison.Ordinal) && line.Contains("set maxmemory-policy noeviction", StringComparison.Ordinal));
        }
        finally
        {
            await stack.RedisAsync("CONFIG SET maxmemory-policy noeviction");
        }
    }

    [ServersFact]
    public async Task Start_StateOfAnotherLog_IsRefusedAndNothingIsDecided()
    {
        await using var first = await Installation.CreateAsync(stack, output);
        var firstServer = await first.StartReadyAsync("first");
        using var sale = new Sale(firstServer);
        await sale.OpenAsync("mine", quantity: 10);
        await sale.DecideAsync("mine", "somebody", TimeSpan.FromSeconds(10));

        await using var second = await Installation.CreateAsync(stack, output, first.RedisPrefix);
        var secondServer = second.Start("second");
        await secondServer.NotReadyAsync("belongs to another log");
        // The first partition that is refused already makes it not ready.
        await Wait.UntilAsync("every partition is refused", TimeSpan.FromSeconds(10), async () =>
            (await secondServer.PartitionsAsync()).FirstOrDefault(p => p.State != "refused") is { } early ? $"partition {early.Partition} is {early.State}" : null);
        using var other = new Sale(secondServer);
        Assert.Equal("overloaded", (await other.ClaimAsync("mine", "somebody-else")).Code);
        await using (var log = second.OpenLog())
        {
            for (var partition = 0; partition < second.Partitions; partition++)
                Assert.Equal(0, (await log.BoundsAsync(second.Topics.Events, partition, CancellationToken.None)).End);
        }

        // The rightful owner goes on undisturbed.
        await sale.DecideAsync("mine", "another", TimeSpan.FromSeconds(10));
        await Exactness.AssertExactAsync(first, sale);
    }

    /// <summary>The client keeps a pause beyond the end of an assignment; the log must not.</summary>
    [ServersFact]
    public async Task Read_AfterAReaderThatWasPaused_GetsItsRecords()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var topic = installation.Topics.Commands;
        await installation.CreateTopicAsync(topic, installation.Partitions, []);
        const int Records = 24;
        for (var i = 0; i < Records; i++)
            await installation.ProduceAsync(topic, 0, new byte[500_000]);

        await using var log = installation.OpenLog();
        using var limit = new CancellationTokenSource(ExitTimeout);
        // The first one is left alone until more has arrived than a reader may hold.
        await using (var first = log.Read(topic, 0, 0))
        {
            Assert.Equal(0, (await first.ReadAsync(1, 1, limit.Token))[0].Offset);
            await Task.Delay(TimeSpan.FromSeconds(2), limit.Token);
        }

        await using var second = log.Read(topic, 0, 0);
        for (var next = 0L; next < Records;)
            next = (await second.ReadAsync(100, 1 << 20, limit.Token))[^1].Offset + 1;
    }

    [ServersFact]
    public async Task Garbage_InTheCommands_IsDecidedAsUndecodableAndThePartitionGoesOn()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("one");
        using var sale = new Sale(server);
        await sale.OpenAsync("noisy", quantity: 100_000);
        var partition = MachineTopics.PartitionOf("noisy", installation.Partitions);
        byte[][] garbage = [[1, 2, 3], [], "{\"userId\":\"u\"}"u8.ToArray()];
        var offsets = new List<long>();
        await using (var storm = Storm.Begin(sale, 500, "noisy"))
        {
            foreach (var value in garbage)
            {
                await storm.AcceptedAsync(50, TimeSpan.FromSeconds(10));
                offsets.Add(await installation.ProduceAsync(installation.Topics.Commands, partition, value));
            }

            await storm.AcceptedAsync(50, TimeSpan.FromSeconds(10));
        }

        var truth = await Exactness.AssertExactAsync(installation, sale);
        Assert.Equal(offsets.Select(o => new RecordAddress(partition, o, 0)), truth.Undecodable);
        await using var log = installation.OpenLog();
        var end = (await log.BoundsAsync(installation.Topics.DeadLetters, partition, CancellationToken.None)).End;
        var letters = new List<DeadLetterRecord>();
        await foreach (var record in Truth.RecordsAsync(log, installation.Topics.DeadLetters, partition, end))
            letters.Add(DeadLetterRecord.TryDecode(record.Value)!);
        Assert.Equal(
            offsets.Zip(garbage, (offset, value) => (truth.Log, partition, offset, "undecodable", Convert.ToHexString(value))),
            letters.Select(l => (l.Log, l.Partition, l.Offset, l.Reason, Convert.ToHexString(l.Payload.Span))));
        Assert.Equal(offsets.Select(o => $"{partition}:{o}:0").Order(), (await server.DeadLettersAsync()).Select(l => l.Address).Order());
    }

    [ServersFact]
    public async Task NewerVersion_InTheCommands_StopsThePartitionAndTheOthersGoOn()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("one");
        using var sale = new Sale(server);
        var stopped = installation.CampaignOn(3);
        var running = installation.CampaignOn(5);
        await sale.OpenAsync(stopped, quantity: 10);
        await sale.OpenAsync(running, quantity: 10);
        await sale.DecideAsync(stopped, "before", TimeSpan.FromSeconds(10));

        // Magic, version 2, kind commands, a record id, and what this build cannot know.
        await installation.ProduceAsync(installation.Topics.Commands, 3, [(byte)'F', (byte)'S', 2, 2, 0, 0, 0, 0, 0, 0, 0, 9, 42]);
        await server.NotReadyAsync("newer version");
        var partitions = await server.PartitionsAsync();
        Assert.Equal("refused", partitions[3].State);
        Assert.Contains("newer version", partitions[3].Reason, StringComparison.Ordinal);
        Assert.All(partitions.Where(p => p.Partition != 3), p => Assert.Equal("running", p.State));
        await sale.DecideAsync(running, "after", TimeSpan.FromSeconds(10));
        await Exactness.AssertExactAsync(installation, sale);
    }
}
