using System.Runtime.CompilerServices;
using Dapper;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.MySql;

/// <summary>What reports and the command line read from the ledger.</summary>
/// <exception cref="LedgerUnavailableException">From every method: the database did not answer, or has no tables yet.</exception>
public sealed class LedgerQueries(DatabaseLedger ledger)
{
    // Some 200 bytes a row: a page of a megabyte, so that neither memory nor a statement grows with the campaign.
    private const int PageRows = 5_000;

    private const string SelectWinners =
        "SELECT partition_no AS PartitionNo, record_offset AS RecordOffset, command_index AS CommandIndex, campaign_id AS CampaignId, sequence_no AS SequenceNo, "
        + "coupon_code AS CouponCode, user_id AS UserId, claim_id AS ClaimId, instant_ms AS InstantMs "
        + "FROM coupons WHERE campaign_id = @campaignId AND sequence_no > @after ORDER BY sequence_no LIMIT @PageRows";

    /// <summary>The coupons of a campaign in the order of their numbers (which is that of their addresses), read page by page.</summary>
    public async IAsyncEnumerable<LedgerCoupon> WinnersAsync(string campaignId, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        for (var after = -1; ;)
        {
            var page = await ledger.RunAsync(c => c.Query<CouponRow>(SelectWinners, new { campaignId, after, PageRows }).AsList(), cancel);
            foreach (var row in page)
                yield return row.ToCoupon();
            if (page.Count < PageRows)
                yield break;
            after = page[^1].SequenceNo;
        }
    }

    /// <summary>How many coupons of a campaign are in the ledger.</summary>
    public Task<long> CouponCountAsync(string campaignId, CancellationToken cancel = default) =>
        ledger.RunAsync(c => c.ExecuteScalar<long>("SELECT COUNT(*) FROM coupons WHERE campaign_id = @campaignId", new { campaignId }), cancel);

    /// <summary>How many coupons of each campaign are in the ledger; campaigns without one are not named.</summary>
    public Task<IReadOnlyDictionary<string, long>> CouponCountsAsync(CancellationToken cancel = default) =>
        ledger.RunAsync<IReadOnlyDictionary<string, long>>(
            c => c.Query<CountRow>("SELECT campaign_id AS CampaignId, COUNT(*) AS Claims FROM coupons GROUP BY campaign_id")
                .ToDictionary(r => r.CampaignId, r => r.Claims),
            cancel);

    /// <summary>Refused claims of a campaign by reason, the most frequent first; the empty campaign has the undecodable records.</summary>
    public Task<IReadOnlyList<(string Reason, long Claims)>> RefusalCountsAsync(string campaignId, CancellationToken cancel = default) =>
        ledger.RunAsync<IReadOnlyList<(string, long)>>(
            c => [.. c.Query<CountRow>(
                    "SELECT reason AS Reason, CAST(SUM(claims) AS SIGNED) AS Claims FROM refusal_counts WHERE campaign_id = @campaignId GROUP BY reason", new { campaignId })
                .OrderByDescending(r => r.Claims).ThenBy(r => r.Reason).Select(r => (r.Reason, r.Claims))],
            cancel);

    private sealed class CouponRow
    {
        public int PartitionNo { get; set; }

        public long RecordOffset { get; set; }

        public int CommandIndex { get; set; }

        public string CampaignId { get; set; } = "";

        public int SequenceNo { get; set; }

        public string CouponCode { get; set; } = "";

        public string UserId { get; set; } = "";

        public long ClaimId { get; set; }

        public long InstantMs { get; set; }

        public LedgerCoupon ToCoupon() => new(
            new RecordAddress(PartitionNo, RecordOffset, CommandIndex), CampaignId, UserId, CouponCode, SequenceNo, unchecked((ulong)ClaimId), InstantMs);
    }

    private sealed class CountRow
    {
        public string CampaignId { get; set; } = "";

        public string Reason { get; set; } = "";

        public long Claims { get; set; }
    }
}
