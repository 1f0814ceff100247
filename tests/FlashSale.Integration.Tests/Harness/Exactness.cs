using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;
using FlashSale.MySql;
using FlashSale.Server.Hosting;

namespace FlashSale.Integration.Tests.Harness;

/// <summary>The check after every sale: what callers were told, the log, the events and the ledger say the same, and nobody got too much.</summary>
internal static class Exactness
{
    private static readonly TimeSpan LearnTimeout = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan TellTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LedgerTimeout = TimeSpan.FromSeconds(30);

    public static async Task<Truth> AssertExactAsync(Installation installation, Sale sale)
    {
        var learned = await sale.LearnAsync(LearnTimeout);
        var truth = await Truth.ReadAsync(installation, TellTimeout);
        installation.Note($"sale: {sale.Summary}; {truth.Decided.Count} commands decided, {truth.Issued.Count()} coupons issued, {truth.Repeats} events told again");
        AssertTold(truth, learned);
        AssertBounds(truth);
        await AssertCampaignsAsync(truth, sale);
        await AssertLedgerAsync(installation, truth);
        return truth;
    }

    /// <summary>Every accepted claim is in the log, at an address of its own, and was told what the log decides there.</summary>
    private static void AssertTold(Truth truth, IReadOnlyList<(AcceptedClaim Claim, ClaimState State)> learned)
    {
        var signer = new TicketSigner(TicketOptions.Parse(TicketOptions.DevelopmentKeys)!);
        var addresses = new HashSet<RecordAddress>();
        foreach (var (claim, state) in learned)
        {
            Assert.True(signer.TryRead(claim.Ticket, out var ticket), "a ticket is not signed by the key of development");
            var question = ticket.Claim;
            var address = new RecordAddress(question.Partition, question.Offset, question.Index);
            Assert.Equal(truth.Log, question.Log);
            Assert.True(truth.Decided.TryGetValue(address, out var decided), $"the accepted claim {address} is not in the log");
            Assert.Equal((claim.CampaignId, claim.UserId), (decided.CampaignId, decided.UserId));
            // With a key the door may answer with the win that it knows.
            Assert.True(addresses.Add(address) || claim.Key is not null, $"two claims were accepted at {address}");
            if (decided.Outcome.IsIssued())
                Assert.Equal((address, "issued", decided.Code), (address, state.State, state.CouponCode));
            else
                Assert.Equal((address, "refused", decided.Outcome.Name()), (address, state.State, state.Reason));
        }
    }

    private static void AssertBounds(Truth truth)
    {
        var issued = truth.Issued.ToList();
        Assert.Equal(issued.Count, issued.Select(d => d.Code).Distinct(StringComparer.Ordinal).Count());
        foreach (var (campaignId, state) in truth.Campaigns)
        {
            var ofCampaign = issued.Where(d => d.CampaignId == campaignId).ToList();
            Assert.Equal(ofCampaign.Count, state.Issued);
            Assert.True(state.Issued <= state.Quantity, $"{campaignId} issued {state.Issued} of {state.Quantity}");
            Assert.True(ofCampaign.CountBy(d => d.UserId).All(u => u.Value <= state.PerUser), $"somebody holds more than {state.PerUser} coupons of {campaignId}");
        }
    }

    private static async Task AssertCampaignsAsync(Truth truth, Sale sale)
    {
        foreach (var (campaignId, state) in truth.Campaigns)
        {
            var campaign = await sale.CampaignAsync(campaignId);
            Assert.Equal((campaignId, state.Issued, state.Quantity, state.Quantity - state.Issued), (campaignId, campaign.Issued, campaign.Quantity, campaign.Remaining));
        }
    }

    private static async Task AssertLedgerAsync(Installation installation, Truth truth)
    {
        foreach (var (partition, last) in truth.Last.Where(l => l.Value.Offset > 0))
        {
            await Wait.UntilAsync($"partition {partition} is in the ledger", LedgerTimeout, async () =>
            {
                var mark = await ReadMarkAsync(installation.Ledger, partition);
                return mark?.Written == last && mark.Log == truth.Log ? null : $"written up to {mark?.Written.Offset} of {last.Offset}";
            });
        }

        var queries = new LedgerQueries(installation.Ledger);
        var issued = truth.Issued.ToLookup(d => d.CampaignId);
        foreach (var campaignId in truth.Campaigns.Keys)
        {
            var rows = new List<LedgerCoupon>();
            await foreach (var row in queries.WinnersAsync(campaignId))
                rows.Add(row);
            Assert.Equal(
                issued[campaignId].OrderBy(d => d.Sequence).Select(d => new LedgerCoupon(d.Address, d.CampaignId, d.UserId, d.Code!, d.Sequence, d.ClaimId, d.InstantMs)),
                rows);
            var refused = truth.Decided.Values
                .Where(d => d.CampaignId == campaignId && d.Kind == CouponCommandKind.Claim && d.Outcome != CouponOutcome.Issued)
                .CountBy(d => d.Outcome.Name()).ToDictionary(r => r.Key, r => (long)r.Value);
            Assert.Equal(refused, (await queries.RefusalCountsAsync(campaignId)).ToDictionary(r => r.Reason, r => r.Claims));
        }

        var counts = await queries.CouponCountsAsync();
        Assert.Equal(truth.Issued.Count(), counts.Values.Sum());
        var undecodable = (await queries.RefusalCountsAsync("")).Sum(r => r.Claims);
        Assert.Equal(truth.Undecodable.Count, undecodable);
    }

    private static async Task<LedgerMark?> ReadMarkAsync(MySqlLedger ledger, int partition)
    {
        try
        {
            return await ledger.ReadMarkAsync(partition, CancellationToken.None);
        }
        catch (LedgerUnavailableException)
        {
            // The tables are not there yet.
            return null;
        }
    }
}
