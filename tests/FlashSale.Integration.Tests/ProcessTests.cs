using FlashSale.Integration.Tests.Harness;

namespace FlashSale.Integration.Tests;

/// <summary>Server processes that end, hang or share the work, in the middle of a sale.</summary>
[Collection(Servers.Name)]
public sealed class ProcessTests(Stack stack, ITestOutputHelper output)
{
    /// <summary>Never reached, so that coupons are being issued whenever something happens.</summary>
    private const int Plenty = 1_000_000;

    private static readonly (string, string) ShortSession = ("Kafka:SessionTimeout", "00:00:06");

    [ServersFact]
    public async Task Server_KilledThreeTimesDuringSale_IsExact()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("run 0", ShortSession);
        using var sale = new Sale(server);
        string[] campaigns = ["left", "right"];
        foreach (var campaign in campaigns)
            await sale.OpenAsync(campaign, Plenty);
        await using (var storm = Storm.Begin(sale, 800, campaigns))
        {
            for (var i = 1; i <= 3; i++)
            {
                var issued = (await sale.CampaignAsync("left")).Issued;
                await sale.IssuedAsync(issued + 200, TimeSpan.FromSeconds(20), "left");
                await Task.Delay(random.Next(500));
                server.Kill();
                await server.ExitAsync(TimeSpan.FromSeconds(5));
                server = installation.Start($"run {i}", server.Port, ShortSession);
                await server.ReadyAsync();
            }

            await storm.AcceptedAsync(200, TimeSpan.FromSeconds(10));
        }

        await Exactness.AssertExactAsync(installation, sale);
    }

    [ServersFact]
    public async Task Server_TerminatedDuringSale_EndsCleanAndAnotherTakesOverAtOnce()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var first = await installation.StartReadyAsync("first");
        var second = await installation.StartReadyAsync("second");
        await installation.SharedAsync(TimeSpan.FromSeconds(30), first, second);
        using var sale = new Sale(first, second);
        var campaigns = await OpenOnEachPartitionAsync(installation, sale);
        await using (var storm = Storm.Begin(sale, 800, campaigns))
        {
            await sale.IssuedAsync(20, TimeSpan.FromSeconds(10), campaigns);
            first.Terminate();
            sale.GoTo(second);
            var taken = TakenOverAsync(installation, second, TimeSpan.FromSeconds(10));
            Assert.Equal(0, await first.ExitAsync(TimeSpan.FromSeconds(5)));
            // Well below the 6 s after which the group would give up a silent process: the partitions were given back.
            var took = await taken;
            output.WriteLine($"taken over {took.TotalSeconds:0.0} s after SIGTERM");
            Assert.True(took < TimeSpan.FromSeconds(4), $"the other process took {took.TotalSeconds:0.0} s to take over");
            await storm.AcceptedAsync(200, TimeSpan.FromSeconds(10));
        }

        await Exactness.AssertExactAsync(installation, sale);
    }

    [ServersFact]
    public async Task TwoServers_OneLog_ShareAndOneTakesOverWhenTheOtherIsKilled()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var first = await installation.StartReadyAsync("first", ShortSession);
        var second = await installation.StartReadyAsync("second", ShortSession);
        await installation.SharedAsync(TimeSpan.FromSeconds(30), first, second);
        using var sale = new Sale(first, second);
        var campaigns = await OpenOnEachPartitionAsync(installation, sale);
        await using (var storm = Storm.Begin(sale, 800, campaigns))
        {
            await sale.IssuedAsync(50, TimeSpan.FromSeconds(10), campaigns);
            foreach (var server in new[] { first, second })
            {
                var told = (await server.PartitionsAsync()).Where(p => p.State == "running").ToList();
                output.WriteLine($"{server.Name} decides {string.Join(", ", told.Select(p => $"partition {p.Partition} up to {p.Told}"))}");
                Assert.NotEmpty(told);
                Assert.All(told, p => Assert.True(p.Told > 1, $"{server.Name} has not decided anything of partition {p.Partition}"));
            }

            second.Kill();
            sale.GoTo(first);
            var took = await TakenOverAsync(installation, first, TimeSpan.FromSeconds(10));
            output.WriteLine($"taken over {took.TotalSeconds:0.0} s after SIGKILL");
            var issued = (await sale.CampaignAsync(campaigns[0])).Issued;
            await sale.IssuedAsync(issued + 20, TimeSpan.FromSeconds(10), campaigns);
        }

        await Exactness.AssertExactAsync(installation, sale);
    }

    [ServersFact]
    public async Task Server_HangsAndComesBack_IsExactAndDecisionsGoOn()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var zombie = await installation.StartReadyAsync("zombie", ShortSession);
        var other = await installation.StartReadyAsync("other", ShortSession);
        await installation.SharedAsync(TimeSpan.FromSeconds(30), zombie, other);
        using var sale = new Sale(zombie, other);
        var campaigns = await OpenOnEachPartitionAsync(installation, sale);
        sale.GoTo(other);
        await using (var storm = Storm.Begin(sale, 500, campaigns))
        {
            // It hangs with batches on their way.
            await sale.IssuedAsync(20, TimeSpan.FromSeconds(10), campaigns);
            zombie.Stop();
            await TakenOverAsync(installation, other, TimeSpan.FromSeconds(12));
            var issued = (await Task.WhenAll(campaigns.Select(sale.CampaignAsync))).Max(c => c.Issued);
            await sale.IssuedAsync(issued + 20, TimeSpan.FromSeconds(20), campaigns);

            zombie.Continue();
            // Two owners that fenced each other in turn would stop the decisions for longer than this.
            for (var round = 0; round < 4; round++)
            {
                foreach (var campaign in campaigns)
                    await sale.DecideAsync(campaign, $"probe-{round}", TimeSpan.FromSeconds(6));
            }

            var settled = await installation.SharedAsync(TimeSpan.FromSeconds(20), zombie, other);
            output.WriteLine($"shared again {settled.TotalSeconds:0.0} s later");
            foreach (var campaign in campaigns)
                await sale.DecideAsync(campaign, "probe-last", TimeSpan.FromSeconds(4));
        }

        await Exactness.AssertExactAsync(installation, sale);
    }

    private static async Task<string[]> OpenOnEachPartitionAsync(Installation installation, Sale sale)
    {
        string[] campaigns = [.. Enumerable.Range(0, installation.Partitions).Select(p => installation.CampaignOn(p))];
        foreach (var campaign in campaigns)
        {
            await sale.OpenAsync(campaign, Plenty);
            await sale.KnownAsync(campaign);
        }

        return campaigns;
    }

    /// <summary>Waits until a server decides every partition.</summary>
    private static Task<TimeSpan> TakenOverAsync(Installation installation, ServerProcess server, TimeSpan within) =>
        Wait.UntilAsync($"{server.Name} has taken all partitions over", within, async () =>
        {
            var owned = await server.OwnedAsync();
            return owned.Count == installation.Partitions ? null : $"it decides {string.Join(' ', owned)}";
        });
}
