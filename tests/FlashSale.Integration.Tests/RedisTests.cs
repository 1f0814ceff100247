using FlashSale.Integration.Tests.Harness;
using FlashSale.Redis.Tests.Servers;

namespace FlashSale.Integration.Tests;

/// <summary>Redis moves, fails over, or forgets what it has acknowledged, in the middle of a sale.</summary>
[Collection(Servers.Name)]
public sealed class RedisTests(Stack stack, ITestOutputHelper output)
{
    private const int Plenty = 1_000_000;
    private const int ClaimsPerSecond = 800;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FailedOverWithin = TimeSpan.FromSeconds(30);
    private static readonly string[] Parts = ["holdings", "meta", "campaigns", "descriptions", "changes", "recent"];

    [ServersFact]
    public async Task Cluster_SlotMovedAndMasterKilledDuringSale_IsExact()
    {
        await using var cluster = await RedisCluster.StartAsync(masters: 3, replicasEach: 1);
        await using var installation = await Installation.CreateAsync(stack, output);
        (string, string) redis = ("Redis:Endpoints", cluster.Addresses);
        var api = installation.Start("api", ("Roles", "api"), redis);
        var machines = installation.Start("machines", ("Roles", "machines,ledger"), redis);
        await Task.WhenAll(api.ReadyAsync(), machines.ReadyAsync());
        using var sale = new Sale(api);
        var campaigns = await OpenOnEachPartitionAsync(installation, sale);
        await using (var storm = Storm.Begin(sale, ClaimsPerSecond, campaigns))
        {
            await sale.IssuedAsync(50, Soon, campaigns);
            await MoveSlotAsync(cluster, $"{{{installation.RedisPrefix}-c0}}", storm);
            await NextIssuedAsync(sale, campaigns, Soon);
            Assert.True(machines.Said("TRYAGAIN"), "nothing was decided while the slot was half moved");

            var victim = cluster.AroundSlot(await SlotAsync(cluster, $"{{{installation.RedisPrefix}-c1}}")).From;
            await victim.KillAsync();
            await NextIssuedAsync(sale, campaigns, FailedOverWithin);
            await victim.StartAgainAsync();
            await storm.AcceptedAsync(ClaimsPerSecond, Soon);
        }

        await Exactness.AssertExactAsync(installation, sale);
    }

    [ServersFact]
    public async Task Replica_PromotedWhileBehindDuringSale_IsRewoundAndNothingIsIssuedTwice()
    {
        await using var master = await RedisServer.StartAsync();
        await using var replica = await RedisServer.StartAsync("--replicaof", "127.0.0.1", $"{master.Port}");
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("one", ("Redis:Endpoints", $"{master.Address},{replica.Address}"));
        using var sale = new Sale(server);
        await sale.OpenAsync("stale", quantity: 3_000);
        // It begins some seconds after it was told to: before the storm, which would be over by then.
        await Wait.UntilAsync("the replica follows", Soon, async () =>
            (await replica.SendAsync("INFO replication")).Contains("master_link_status:up", StringComparison.Ordinal) ? null : "it does not");
        await using (var storm = Storm.Begin(sale, ClaimsPerSecond, "stale"))
        {
            await sale.IssuedAsync(300, Soon, "stale");
            // Nobody listens on port 1: from here on the replica hears nothing, and callers are told what it will not know.
            await replica.SendAsync("REPLICAOF 127.0.0.1 1");
            var issued = (await sale.CampaignAsync("stale")).Issued;
            await sale.IssuedAsync(issued + 500, Soon, "stale");
            await master.KillAsync();
            await replica.SendAsync("REPLICAOF NO ONE");
            await master.StartAgainAsync();
            await master.SendAsync($"REPLICAOF 127.0.0.1 {replica.Port}");
            await sale.SoldOutAsync(TimeSpan.FromSeconds(20), "stale");
        }

        Assert.True(server.Said("Behind") || server.Said("rebuilding"), "the server has not noticed that Redis had lost writes");
        var truth = await Exactness.AssertExactAsync(installation, sale);
        Assert.Equal(3_000, truth.Issued.Count());
    }

    /// <summary>Moves all keys of a slot to another master, one by one, with claims between, as an operator's tool does it.</summary>
    private static async Task MoveSlotAsync(RedisCluster cluster, string tag, Storm storm)
    {
        var slot = await SlotAsync(cluster, tag);
        var (from, to) = cluster.AroundSlot(slot);
        var (fromId, toId) = (await from.SendAsync("CLUSTER MYID"), await to.SendAsync("CLUSTER MYID"));
        Assert.Equal("+OK", await to.SendAsync($"CLUSTER SETSLOT {slot} IMPORTING {fromId}"));
        Assert.Equal("+OK", await from.SendAsync($"CLUSTER SETSLOT {slot} MIGRATING {toId}"));
        foreach (var part in Parts)
        {
            Assert.Equal("+OK", await from.SendAsync($"MIGRATE 127.0.0.1 {to.Port} {tag}:2:{part} 0 2000"));
            // Some are refused meanwhile (TRYAGAIN), and at the end sent on (ASK).
            await storm.AcceptedAsync(ClaimsPerSecond / 4, Soon);
        }

        foreach (var node in new[] { to, from })
            Assert.Equal("+OK", await node.SendAsync($"CLUSTER SETSLOT {slot} NODE {toId}"));
    }

    private static async Task<int> SlotAsync(RedisCluster cluster, string tag) =>
        int.Parse((await cluster.Nodes[0].SendAsync($"CLUSTER KEYSLOT {tag}:meta")).AsSpan(1), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Waits until every campaign has issued more than any has now.</summary>
    private static async Task NextIssuedAsync(Sale sale, string[] campaigns, TimeSpan within)
    {
        var issued = (await Task.WhenAll(campaigns.Select(sale.CampaignAsync))).Max(c => c.Issued);
        await sale.IssuedAsync(issued + 20, within, campaigns);
    }

    private static async Task<string[]> OpenOnEachPartitionAsync(Installation installation, Sale sale)
    {
        string[] campaigns = [.. Enumerable.Range(0, installation.Partitions).Select(p => installation.CampaignOn(p))];
        foreach (var campaign in campaigns)
            await sale.OpenAsync(campaign, Plenty);
        return campaigns;
    }
}
