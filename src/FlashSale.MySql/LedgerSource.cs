using System.Data;
using System.Data.Common;
using Dapper;
using FlashSale.Core.Audit;
using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.MySql;

/// <summary>The ledger as an audit reads it: by partition, in the order of addresses.</summary>
public sealed class LedgerSource(DatabaseLedger ledger) : ILedgerSource
{
    private const string SelectCoupons =
        "SELECT record_offset, command_index, campaign_id, sequence_no, coupon_code, user_id, claim_id, instant_ms FROM coupons "
        + "WHERE partition_no = @partition AND (record_offset > @afterOffset OR (record_offset = @afterOffset AND command_index > @afterIndex)) "
        + "ORDER BY record_offset, command_index LIMIT @rowsMax";

    private const string SelectCampaigns =
        "SELECT campaign_id AS CampaignId, partition_no AS PartitionNo, campaign_no AS CampaignNo, quantity AS Quantity, per_user AS PerUser, opens_at_ms AS OpensAtMs, "
        + "closes_at_ms AS ClosesAtMs, is_closed AS IsClosed, issued AS Issued, opened_at_ms AS OpenedAtMs, description AS Description FROM campaigns WHERE partition_no = @partition";

    public Task<LedgerCut?> ReadCutAsync(int partition, CancellationToken cancel) => ledger.RunAsync(c => ReadCut(c, partition), cancel);

    public Task<IReadOnlyList<LedgerCoupon>> ReadCouponsAsync(int partition, long afterOffset, int afterIndex, int rowsMax, CancellationToken cancel) =>
        ledger.RunAsync<IReadOnlyList<LedgerCoupon>>(c => ReadCoupons(c, partition, afterOffset, afterIndex, rowsMax), cancel);

    public Task<(long LastOffset, LedgerMark? Mark)> ReadEndAsync(int partition, CancellationToken cancel) => ledger.RunAsync(
        c => (c.ExecuteScalar<long?>("SELECT MAX(record_offset) FROM coupons WHERE partition_no = @partition", new { partition }) ?? -1, LedgerWriter.ReadMark(c, partition)), cancel);

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
    private static List<LedgerCoupon> ReadCoupons(DbConnection connection, int partition, long afterOffset, int afterIndex, int rowsMax)
    {
        using var reader = connection.ExecuteReader(SelectCoupons, new { partition, afterOffset, afterIndex, rowsMax });
        var coupons = new List<LedgerCoupon>(rowsMax);
        while (reader.Read())
        {
            coupons.Add(new LedgerCoupon(
                new RecordAddress(partition, reader.GetInt64(0), reader.GetInt32(1)), reader.GetString(2), reader.GetString(5), reader.GetString(4), reader.GetInt32(3),
                unchecked((ulong)reader.GetInt64(6)), reader.GetInt64(7)));
        }

        return coupons;
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
