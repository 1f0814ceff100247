namespace FlashSale.Core.Tests.Audit;

public class LedgerPagesTests
{
    private const int Campaigns = 55;
    private const int Records = 100;
    private const int ClaimsEach = 20;

    [Fact]
    public async Task Audit_OneCampaignOfManyPages_ComparesEveryRow()
    {
        var world = await AuditWorld.CreateLargeAsync(1, 15, 1_000);
        Assert.Equal(15_000, (await world.AuditAsync()).LedgerRows);
        Assert.Equal([], world.Differences.First);
        Assert.Equal([5_000, 5_000, 5_000, 0], world.Ledger.Pages.Select(p => p.Rows));
    }

    [Fact]
    public async Task Audit_ManyCampaignsWithMoreRowsThanAreKept_KeepsNoMore()
    {
        var world = await AuditWorld.CreateLargeAsync(Campaigns, Records, ClaimsEach);
        Assert.Equal(Campaigns * Records * ClaimsEach, (await world.AuditAsync()).LedgerRows);
        Assert.Equal([], world.Differences.First);
        // The first record with claims takes a page of each campaign before anything is compared.
        Assert.InRange(world.Ledger.Pages.Take(Campaigns).Sum(p => p.Rows), 90_000, 100_000 + Campaigns * ClaimsEach);
        Assert.All(world.Ledger.Pages, p => Assert.InRange(p.RowsMax, 1, 5_000));
    }

    [Fact]
    public async Task Audit_RowMissingInALaterPage_IsFound()
    {
        var world = await AuditWorld.CreateLargeAsync(1, 15, 1_000);
        world.Ledger.Coupons.RemoveAt(12_345);
        await world.AuditAsync();
        Assert.Contains("c0 number 12346 of u12-345", Assert.Single(world.Differences.First).ToString(), StringComparison.Ordinal);
    }
}
