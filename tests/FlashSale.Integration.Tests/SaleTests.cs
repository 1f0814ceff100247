using System.Net;
using FlashSale.Integration.Tests.Harness;

namespace FlashSale.Integration.Tests;

/// <summary>A sale from end to end, with nothing going wrong but what is said.</summary>
[Collection(Servers.Name)]
public sealed class SaleTests(Stack stack, ITestOutputHelper output)
{
    [ServersFact]
    public async Task Sale_MoreClaimsThanCoupons_IsExact()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("one");
        using var sale = new Sale(server);
        string[] campaigns = ["spring", "summer", "autumn", "winter"];
        foreach (var campaign in campaigns)
            await sale.OpenAsync(campaign, quantity: 300, perUser: campaign == "winter" ? 2 : 1);

        await using (var storm = Storm.Begin(sale, 2_000, campaigns))
            await sale.SoldOutAsync(TimeSpan.FromSeconds(20), campaigns);

        foreach (var campaign in campaigns)
        {
            var late = await sale.ClaimAsync(campaign, "latecomer");
            Assert.Equal((HttpStatusCode.Conflict, "sold-out"), (late.Status, late.Code));
        }

        // More of it reopens a campaign that was sold out.
        await sale.OpenAsync("spring", quantity: 301);
        var reopened = await sale.ClaimAsync("spring", "latecomer");
        Assert.Equal("issued", (await sale.StateAsync(reopened.Claim!, 10))?.State);

        var truth = await Exactness.AssertExactAsync(installation, sale);
        Assert.Equal(0, sale.Unanswered);
        Assert.Equal(1_201, truth.Issued.Count());
    }

    [ServersFact]
    public async Task Sale_ScriptsFlushedMeanwhile_IsExact()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var server = await installation.StartReadyAsync("one");
        using var sale = new Sale(server);
        await sale.OpenAsync("flush", quantity: 100_000);
        await using (var storm = Storm.Begin(sale, 1_000, "flush"))
        {
            for (var i = 0; i < 4; i++)
            {
                await storm.AcceptedAsync(300, TimeSpan.FromSeconds(10));
                await stack.RedisAsync("SCRIPT FLUSH");
            }

            await storm.AcceptedAsync(300, TimeSpan.FromSeconds(10));
        }

        Assert.True(server.Said("lost its scripts"), "the server has not noticed that its scripts were gone");
        await Exactness.AssertExactAsync(installation, sale);
    }

    [ServersFact]
    public async Task Sale_RolesInProcessesOfTheirOwn_IsExact()
    {
        await using var installation = await Installation.CreateAsync(stack, output);
        var api = installation.Start("api", ("Roles", "api"));
        var machines = installation.Start("machines", ("Roles", "machines"));
        var ledger = installation.Start("ledger", ("Roles", "ledger"));
        await Task.WhenAll(api.ReadyAsync(), machines.ReadyAsync(), ledger.ReadyAsync());
        using var sale = new Sale(api);
        await sale.OpenAsync("roles", quantity: 500);
        await using (var storm = Storm.Begin(sale, 1_000, "roles"))
            await sale.SoldOutAsync(TimeSpan.FromSeconds(15), "roles");

        var truth = await Exactness.AssertExactAsync(installation, sale);
        Assert.Equal(500, truth.Issued.Count());
        // Only the process with the role serves requests.
        Assert.Equal(HttpStatusCode.NotFound, (await sale.ClaimAsync("roles", "nobody", null, ledger.Address)).Status);
    }
}
