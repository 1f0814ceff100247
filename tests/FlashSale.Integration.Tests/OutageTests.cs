using System.Collections.Concurrent;
using System.Net;
using FlashSale.Integration.Tests.Harness;

namespace FlashSale.Integration.Tests;

/// <summary>A server that FlashSale needs is away, at start or in the middle of a sale.</summary>
[Collection(Servers.Name)]
public sealed class OutageTests(Stack stack, ITestOutputHelper output)
{
    [ServersFact]
    public async Task Redis_DownAtStopAndStart_EndsInTimeThenWaitsAndSaysSo()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var before = await installation.StartReadyAsync("before");
        await using var redis = await stack.KillAsync("redis");
        await StopAsync(before);

        var server = installation.Start("one");
        await server.NotReadyAsync("waiting for Redis");
        await server.SaysAsync("Waiting for Redis");
        using var sale = new Sale(server);
        var early = await sale.ClaimAsync("early", "somebody");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "overloaded"), (early.Status, early.Code));
        Assert.NotNull(early.RetryAfter);

        await redis.StartAsync();
        await server.ReadyAsync();
        await sale.OpenAsync("late", quantity: 10);
        await sale.DecideAsync("late", "somebody", TimeSpan.FromSeconds(10));
        await Exactness.AssertExactAsync(installation, sale);
    }

    [ServersFact]
    public async Task Redis_KilledDuringSale_ClaimsAreAcceptedAndDecidedAfterwards()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("one");
        using var sale = new Sale(server);
        string[] campaigns = ["left", "right"];
        foreach (var campaign in campaigns)
            await sale.OpenAsync(campaign, quantity: 1_500);
        await using (var storm = Storm.Begin(sale, 1_000, campaigns))
        {
            await sale.IssuedAsync(200, TimeSpan.FromSeconds(10), campaigns);
            await using var redis = await stack.KillAsync("redis");
            // More than may be in flight, so that these were taken while Redis was away.
            await storm.AcceptedAsync(1_000, TimeSpan.FromSeconds(10));
            await redis.StartAsync();
            await sale.SoldOutAsync(TimeSpan.FromSeconds(20), campaigns);
        }

        var truth = await Exactness.AssertExactAsync(installation, sale);
        Assert.Equal(3_000, truth.Issued.Count());
        Assert.Equal(0, sale.Unanswered);
        Assert.Equal(0, sale.Refused("log-unavailable") + sale.Refused("overloaded"));
    }

    [ServersFact]
    public async Task Redis_EmptiedDuringSale_IsRebuiltAndNobodyIsToldWrongly()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        // Some five records: nearly every ticket is answered by the state, not from what the node has just seen.
        var server = await installation.StartReadyAsync("one", ("Door:RecentBytesMax", "2000"));
        using var sale = new Sale(server);
        await sale.OpenAsync("flushed", quantity: 1_000);
        var seen = new ConcurrentDictionary<AcceptedClaim, HashSet<string>>();
        using var stop = new CancellationTokenSource();
        var watching = WatchAsync(sale, seen, stop.Token);
        await using (var storm = Storm.Begin(sale, 1_000, "flushed"))
        {
            await sale.IssuedAsync(300, TimeSpan.FromSeconds(10), "flushed");
            await stack.RedisAsync("FLUSHALL");
            await sale.IssuedAsync(700, TimeSpan.FromSeconds(20), "flushed");
            await stack.RedisAsync("FLUSHALL");
            await sale.SoldOutAsync(TimeSpan.FromSeconds(20), "flushed");
            await storm.AcceptedOrRefusedAsync(200, TimeSpan.FromSeconds(10));
        }

        // Nothing is claimed any more: even so the state must come back.
        await stack.RedisAsync("FLUSHALL");
        await sale.OpenAsync("flushed", quantity: 1_001);
        await sale.DecideAsync("flushed", "the-last-one", TimeSpan.FromSeconds(20));
        await stop.CancelAsync();
        await watching;

        var truth = await Exactness.AssertExactAsync(installation, sale);
        Assert.Equal(1_001, truth.Issued.Count());
        Assert.True(server.Said("rebuilding"), "the server has not said that it rebuilds");
        var winners = truth.Decided.Values.Where(d => d.Code is not null).Select(d => (d.UserId, d.Code)).ToHashSet();
        var won = (await sale.LearnAsync(TimeSpan.FromSeconds(20))).ToDictionary(l => l.Claim, l => l.State.CouponCode);
        Assert.True(seen.Count > 50, $"only {seen.Count} tickets were watched");
        foreach (var (claim, states) in seen)
        {
            var right = won[claim] is { } code ? $"issued {code}" : "refused";
            Assert.All(states, s => Assert.True(s == "waiting" || s == right, $"{claim.UserId} was told '{s}', in the end '{right}'"));
            Assert.True(won[claim] is null || winners.Contains((claim.UserId, won[claim])));
        }
    }

    [ServersFact]
    public async Task Database_DownAtStartAndDuringSale_SaleGoesOnAndLedgerCatchesUp()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        await using var database = await stack.KillAsync("mysql");
        var server = await installation.StartReadyAsync("one");
        using var sale = new Sale(server);
        string[] campaigns = ["first", "second"];
        foreach (var campaign in campaigns)
            await sale.OpenAsync(campaign, quantity: 100_000);
        await using (var storm = Storm.Begin(sale, 800, campaigns))
        {
            await sale.IssuedAsync(200, TimeSpan.FromSeconds(10), campaigns);
            await server.SaysAsync("the database does not answer");
            await database.StartAsync();
            await WrittenAsync(server);

            await using var again = await stack.KillAsync("mysql");
            var issued = (await sale.CampaignAsync("first")).Issued;
            await sale.IssuedAsync(issued + 400, TimeSpan.FromSeconds(10), campaigns);
            await again.StartAsync();
        }

        await server.SaysAsync("the database answers again");
        await Exactness.AssertExactAsync(installation, sale);
        Assert.Equal(0, sale.Unanswered);
    }

    [ServersFact]
    public async Task Kafka_DownAtStopAndStart_EndsInTimeThenWaitsAndSaysSo()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var before = await installation.StartReadyAsync("before");
        await using var kafka = await stack.KillAsync("kafka");
        await StopAsync(before);

        var server = installation.Start("one");
        await server.NotReadyAsync("waiting for Kafka", TimeSpan.FromSeconds(30));
        await server.SaysAsync("Waiting for Kafka");
        await kafka.StartAsync();
        await server.ReadyAsync();
        // The process before could not leave the group: its membership ends after the session's 6 s.
        await installation.SharedAsync(TimeSpan.FromSeconds(25), server);
        using var sale = new Sale(server);
        await sale.OpenAsync("late", quantity: 10);
        await sale.DecideAsync("late", "somebody", TimeSpan.FromSeconds(10));
        await Exactness.AssertExactAsync(installation, sale);
    }

    [ServersFact]
    public async Task Kafka_KilledDuringSale_RefusesAndRecoversWithoutRestart()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("one");
        using var sale = new Sale(server);
        string[] campaigns = ["left", "right"];
        foreach (var campaign in campaigns)
            await sale.OpenAsync(campaign, quantity: 100_000);
        await using (var storm = Storm.Begin(sale, 500, campaigns))
        {
            await sale.IssuedAsync(200, TimeSpan.FromSeconds(10), campaigns);
            await using var kafka = await stack.KillAsync("kafka");
            await Wait.UntilAsync("claims are refused as log-unavailable", TimeSpan.FromSeconds(15), () => sale.Refused("log-unavailable") > 0);
            // What was on its way is decided; from here on nothing may be accepted.
            var accepted = sale.AcceptedCount;
            var refused = await sale.ClaimAsync("left", "nobody");
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "log-unavailable"), (refused.Status, refused.Code));
            Assert.NotNull(refused.RetryAfter);
            Assert.Equal(accepted, sale.AcceptedCount);

            await kafka.StartAsync();
            await storm.AcceptedAsync(500, TimeSpan.FromSeconds(30));
        }

        await server.ReadyAsync();
        await Exactness.AssertExactAsync(installation, sale);
    }

    /// <summary>Without the server that is away there may be nothing to give back cleanly, but the end must come in time all the same.</summary>
    private static async Task StopAsync(ServerProcess server)
    {
        server.Terminate();
        // 5 s for the host, and some for a busy machine.
        Assert.Equal(0, await server.ExitAsync(TimeSpan.FromSeconds(8)));
    }

    private static Task<TimeSpan> WrittenAsync(ServerProcess server) => Wait.UntilAsync("the ledger has caught up", TimeSpan.FromSeconds(20), async () =>
    {
        var behind = (await server.PartitionsAsync()).Where(p => p.LedgerState != "running" || p.Written < p.Told - 20).ToList();
        return behind.Count == 0 ? null : string.Join("; ", behind);
    });

    /// <summary>Asks for some of the tickets all the time, and notes every different answer.</summary>
    private static async Task WatchAsync(Sale sale, ConcurrentDictionary<AcceptedClaim, HashSet<string>> seen, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!stop.IsCancellationRequested)
        {
            await timer.WaitForNextTickAsync(CancellationToken.None);
            // Winners of the beginning, and whoever came later: a hundred in all.
            var accepted = sale.Accepted;
            var every = Math.Max(1, accepted.Count / 100);
            foreach (var claim in accepted.Where((_, i) => i % every == 0).Take(100).Union(seen.Keys.Take(100)).ToList())
            {
                if (stop.IsCancellationRequested)
                    return;
                if (await sale.StateAsync(claim) is { } state)
                    seen.GetOrAdd(claim, _ => []).Add(state.CouponCode is null ? state.State : $"{state.State} {state.CouponCode}");
            }
        }
    }
}
