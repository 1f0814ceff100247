using System.Data;
using System.Data.Common;
using Dapper;
using FlashSale.Core.Audit;
using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.MySql;

/// <summary>The ledger as an audit reads it: by campaign, in the order of sequence numbers.</summary>
public sealed class LedgerSource(DatabaseLedger ledger) : ILedgerSource
{
    private const string SelectCoupons =
        "SELECT partition_no, record_offset, command_index, campaign_id, sequence_no, coupon_code, user_id, claim_id, instant_ms FROM coupons "
        + "WHERE campaign_id = @campaignId AND sequence_no > @afterSequence ORDER BY sequence_no LIMIT @rowsMax";

    // The inner query takes the last entry of each campaign from the primary key, and passes over the others.
    private const string SelectLast =
        "SELECT c.campaign_id AS CampaignId, c.record_offset AS RecordOffset FROM coupons c "
        + "JOIN (SELECT campaign_id, MAX(sequence_no) AS sequence_no FROM coupons GROUP BY campaign_id) l ON c.campaign_id = l.campaign_id AND c.sequence_no = l.sequence_no "
        + "WHERE c.partition_no = @partition";

    private const string SelectCampaigns =
        "SELECT campaign_id AS CampaignId, partition_no AS PartitionNo, campaign_no AS CampaignNo, quantity AS Quantity, per_user AS PerUser, opens_at_ms AS OpensAtMs, "
        + "closes_at_ms AS ClosesAtMs, is_closed AS IsClosed, issued AS Issued, opened_at_ms AS OpenedAtMs, description AS Description FROM campaigns WHERE partition_no = @partition";

    public Task<LedgerCut?> ReadCutAsync(int partition, CancellationToken cancel) => ledger.RunAsync(c => ReadCut(c, partition), cancel);

    public Task<IReadOnlyList<LedgerCoupon>> ReadCouponsAsync(string campaignId, int afterSequence, int rowsMax, CancellationToken cancel) =>
        ledger.RunAsync<IReadOnlyList<LedgerCoupon>>(c => ReadCoupons(c, campaignId, afterSequence, rowsMax), cancel);

    public Task<(IReadOnlyList<LedgerLast> Last, LedgerMark? Mark)> ReadEndAsync(int partition, CancellationToken cancel) =>
        ledger.RunAsync<(IReadOnlyList<LedgerLast>, LedgerMark?)>(
            c => ([.. c.Query<LastRow>(SelectLast, new { partition }).Select(static r => new LedgerLast(r.CampaignId, r.RecordOffset))], LedgerWriter.ReadMark(c, partition)), cancel);

    private static LedgerCut? ReadCut(DbConnection connection, int partition)
    {
        // What is read in one transaction of this level is of one instant: that of the first statement.
        using var transaction = connection.BeginTransaction(IsolationLevel.RepeatableRead);
        if (LedgerWriter.ReadMark(connection, partition, transaction) is not { } mark)
            return null;
        var counts = connection.Query<CountRow>(
            "SELECT campaign_id AS CampaignId, reason AS Reason, claims AS Claims FROM refusal_counts WHERE partition_no = @partition", new { partition }, transaction);
        var campaigns = connection.Query<CampaignRow>(SelectCampaigns, new { partition }, transaction);
        return new LedgerCut(mark, [.. counts.Select(r => r.ToCount())], [.. campaigns.Select(r => r.ToCampaign())]);
    }

    // By hand: a million rows through a mapper would cost more than the rest of the audit.
    private static List<LedgerCoupon> ReadCoupons(DbConnection connection, string campaignId, int afterSequence, int rowsMax)
    {
        using var reader = connection.ExecuteReader(SelectCoupons, new { campaignId, afterSequence, rowsMax });
        var coupons = new List<LedgerCoupon>();
        while (reader.Read())
        {
            coupons.Add(new LedgerCoupon(
                new RecordAddress(reader.GetInt32(0), reader.GetInt64(1), reader.GetInt32(2)), reader.GetString(3), reader.GetString(6), reader.GetString(5), reader.GetInt32(4),
                unchecked((ulong)reader.GetInt64(7)), reader.GetInt64(8)));
        }

        return coupons;
    }

    private sealed class LastRow
    {
        public string CampaignId { get; set; } = "";

        public long RecordOffset { get; set; }
    }

    private sealed class CountRow
    {
        public string CampaignId { get; set; } = "";

        public string Reason { get; set; } = "";

        public long Claims { get; set; }

        public LedgerRefusalCount ToCount() => new(CampaignId, CouponOutcomeNames.TryParse(Reason) ?? CouponOutcome.None, Claims);
    }

    private sealed class CampaignRow
    {
        public string CampaignId { get; set; } = "";

        public int PartitionNo { get; set; }

        public int CampaignNo { get; set; }

        public int Quantity { get; set; }

        public int PerUser { get; set; }

        public long OpensAtMs { get; set; }

        public long ClosesAtMs { get; set; }

        public bool IsClosed { get; set; }

        public int Issued { get; set; }

        public long OpenedAtMs { get; set; }

        public string Description { get; set; } = "";

        public LedgerCampaign ToCampaign() => new(
            CampaignId, PartitionNo, new CampaignState(CampaignNo, Quantity, PerUser, OpensAtMs, ClosesAtMs, IsClosed, Issued, OpenedAtMs, default), Description);
    }
}
