using FlashSale.Integration.Tests.Harness;

namespace FlashSale.Integration.Tests;

/// <summary>Machines processes that come and go during a storm: how long decisions pause, of the partitions that move and of those that stay.</summary>
[Collection(Servers.Name)]
public sealed class SeveralProcessesTests(Stack stack, ITestOutputHelper output)
{
    private const int Plenty = 1_000_000;

    /// <summary>Some hundred claims reach each partition a second; a pause that somebody could notice is one of a second.</summary>
    private const int ClaimsPerSecond = 800;

    private static readonly TimeSpan NoPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SharedWithin = TimeSpan.FromSeconds(30);
    private static readonly (string, string) Machines = ("Roles", "machines,ledger");

    [ServersFact]
    public async Task Machines_JoinAndLeaveDuringStorm_PausesAreShort()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var api = installation.Start("api", ("Roles", "api"));
        var first = installation.Start("first", Machines);
        await Task.WhenAll(api.ReadyAsync(), first.ReadyAsync());
        using var sale = new Sale(api);
        var campaigns = await OpenOnEachPartitionAsync(installation, sale);
        await using (var storm = Storm.Begin(sale, ClaimsPerSecond, campaigns))
        {
            await sale.IssuedAsync(50, TimeSpan.FromSeconds(10), campaigns);
            var joined = Now;
            var second = installation.Start("second", Machines);
            await second.ReadyAsync();
            await installation.SharedAsync(SharedWithin, first, second);
            await storm.AcceptedAsync(ClaimsPerSecond, TimeSpan.FromSeconds(10));
            await AssertPausesAsync(installation, "a process joins", joined, staying: await first.OwnedAsync(), movedMax: 2 * NoPause);

            var staying = await first.OwnedAsync();
            var left = Now;
            second.Terminate();
            Assert.Equal(0, await second.ExitAsync(TimeSpan.FromSeconds(6)));
            await OwnsAllAsync(installation, first, TimeSpan.FromSeconds(5));
            await storm.AcceptedAsync(ClaimsPerSecond, TimeSpan.FromSeconds(10));
            await AssertPausesAsync(installation, "a process leaves after SIGTERM", left, staying, movedMax: NoPause);
        }

        await Exactness.AssertExactAsync(installation, sale);
    }

    [ServersFact]
    public async Task Machines_KilledDuringStorm_AreReplacedWithinTheDefaultSession()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var api = installation.Start("api", ("Roles", "api"));
        var first = installation.Start("first", Machines);
        var second = installation.Start("second", Machines);
        await Task.WhenAll(api.ReadyAsync(), first.ReadyAsync(), second.ReadyAsync());
        await installation.SharedAsync(SharedWithin, first, second);
        using var sale = new Sale(api);
        var campaigns = await OpenOnEachPartitionAsync(installation, sale);
        await using (var storm = Storm.Begin(sale, ClaimsPerSecond, campaigns))
        {
            await sale.IssuedAsync(50, TimeSpan.FromSeconds(10), campaigns);
            var staying = await first.OwnedAsync();
            var killed = Now;
            second.Kill();
            await OwnsAllAsync(installation, first, TimeSpan.FromSeconds(15));
            await storm.AcceptedAsync(ClaimsPerSecond, TimeSpan.FromSeconds(10));
            await AssertPausesAsync(installation, "a process is killed", killed, staying, movedMax: TimeSpan.FromSeconds(10));
        }

        await Exactness.AssertExactAsync(installation, sale);
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private async Task AssertPausesAsync(Installation installation, string what, DateTimeOffset since, IReadOnlyList<int> staying, TimeSpan movedMax)
    {
        // What is told in the last moment may not be there yet.
        var pauses = await DecisionPauses.LongestAsync(installation, since, Now - TimeSpan.FromMilliseconds(500));
        for (var partition = 0; partition < pauses.Length; partition++)
        {
            var stays = staying.Contains(partition);
            var pause = pauses[partition];
            output.WriteLine($"{what}: partition {partition} {(stays ? "stays" : "moves")}, longest pause {pause.TotalSeconds:0.00} s");
        }

        Assert.NotEmpty(staying);
        Assert.True(staying.Count < pauses.Length, "no partition has moved");
        Assert.All(staying, p => Assert.True(pauses[p] <= NoPause, $"{what}: partition {p} stays, and pauses {pauses[p].TotalSeconds:0.00} s"));
        Assert.All(Enumerable.Range(0, pauses.Length), p => Assert.True(pauses[p] <= movedMax, $"{what}: partition {p} pauses {pauses[p].TotalSeconds:0.00} s"));
    }

    private static async Task<string[]> OpenOnEachPartitionAsync(Installation installation, Sale sale)
    {
        string[] campaigns = [.. Enumerable.Range(0, installation.Partitions).Select(p => installation.CampaignOn(p))];
        foreach (var campaign in campaigns)
            await sale.OpenAsync(campaign, Plenty);
        return campaigns;
    }

    private static Task<TimeSpan> OwnsAllAsync(Installation installation, ServerProcess server, TimeSpan within) =>
        Wait.UntilAsync($"{server.Name} decides all partitions", within, async () =>
        {
            var owned = await server.OwnedAsync();
            return owned.Count == installation.Partitions ? null : $"it decides {string.Join(' ', owned)}";
        });
}
