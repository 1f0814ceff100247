using System.Text;
using FlashSale.Core;
using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;

namespace FlashSale.MySql;

/// <summary>
/// Multi-row INSERTs with literal values: with MySql.Data some five times faster than parameters. What is written as a
/// literal is a number or was checked here to consist of the characters of an id, none of which needs escaping.
/// </summary>
internal sealed class LedgerSql(LedgerDialect dialect)
{
    // A row costs the database a tenth less than in statements of 200 rows, and hardly more than in longer ones. A coupon's row has at most
    // 260 characters, a refusal's fewer. The text, which the driver copies, must not land in the large object heap, whose growth forces
    // full collections: the server's GC.LOHThreshold is above it.
    private const int RowsMax = 500;

    /// <summary>No statement is longer than this, in bytes, so that any server with max_allowed_packet of 1 MB takes it.</summary>
    public const int StatementBytesMax = RowsMax * 300;

    private const string InsertCoupons =
        "INSERT INTO coupons (partition_no, record_offset, command_index, campaign_id, sequence_no, coupon_code, user_id, claim_id, instant_ms) VALUES ";

    private const string InsertRefusals =
        "INSERT INTO refusals (partition_no, record_offset, command_index, campaign_id, user_id, reason, instant_ms) VALUES ";

    private const string InsertCounts = "INSERT INTO refusal_counts (partition_no, campaign_id, reason, claims) VALUES ";

    private const string InsertCampaigns =
        "INSERT INTO campaigns (campaign_id, partition_no, campaign_no, quantity, per_user, opens_at_ms, closes_at_ms, is_closed, issued, opened_at_ms, description) VALUES ";

    private static readonly (string, string)[] CampaignState =
    [
        ("partition_no", "{new}"), ("campaign_no", "{new}"), ("quantity", "{new}"), ("per_user", "{new}"), ("opens_at_ms", "{new}"),
        ("closes_at_ms", "{new}"), ("is_closed", "{new}"), ("issued", "{new}"), ("opened_at_ms", "{new}"),
    ];

    private readonly string _addCounts = dialect.OnDuplicate("partition_no, campaign_id, reason", ("claims", "refusal_counts.claims + {new}"));
    private readonly string _setState = dialect.OnDuplicate("campaign_id", CampaignState);
    private readonly string _setAll = dialect.OnDuplicate("campaign_id", [.. CampaignState, ("description", "{new}")]);

    /// <summary>The statements that write a batch's rows, in order, the description of a campaign being their one parameter.</summary>
    public IEnumerable<(string Sql, string? Description)> Statements(LedgerBatch batch)
    {
        foreach (var sql in Inserts(InsertCoupons, batch.Coupons, Coupon, ""))
            yield return (sql, null);
        foreach (var sql in Inserts(InsertRefusals, batch.Refusals, Refusal, ""))
            yield return (sql, null);
        foreach (var sql in Inserts(InsertCounts, batch.RefusalCounts, (text, count) => Count(text, batch.Partition, count), _addCounts))
            yield return (sql, null);
        foreach (var campaign in batch.Campaigns.Where(c => c.Description is not null))
            yield return (Campaign(new StringBuilder(InsertCampaigns), campaign, "@description").Append(_setAll).ToString(), campaign.Description);
        var unchanged = batch.Campaigns.Where(c => c.Description is null).ToList();
        foreach (var sql in Inserts(InsertCampaigns, unchanged, (text, campaign) => Campaign(text, campaign, "''"), _setState))
            yield return (sql, null);
    }

    private static IEnumerable<string> Inserts<T>(string head, IReadOnlyList<T> rows, Func<StringBuilder, T, StringBuilder> append, string tail)
    {
        var text = new StringBuilder(Math.Min(rows.Count, RowsMax) * 160);
        for (var start = 0; start < rows.Count; start += RowsMax)
        {
            text.Clear().Append(head);
            var end = Math.Min(start + RowsMax, rows.Count);
            for (var i = start; i < end; i++)
                append(i == start ? text : text.Append(','), rows[i]);
            yield return text.Append(tail).ToString();
        }
    }

    private static StringBuilder Coupon(StringBuilder text, LedgerCoupon row) => text.Append(
        $"({row.Address.Partition},{row.Address.Offset},{row.Address.Index},'{Checked(row.CampaignId)}',{row.Sequence},'{Checked(row.CouponCode)}','{Checked(row.UserId)}',{unchecked((long)row.ClaimId)},{row.InstantMs})");

    private static StringBuilder Refusal(StringBuilder text, LedgerRefusal row) => text.Append(
        $"({row.Address.Partition},{row.Address.Offset},{row.Address.Index},'{Checked(row.CampaignId)}','{Checked(row.UserId)}','{row.Reason.Name()}',{row.InstantMs})");

    private static StringBuilder Count(StringBuilder text, int partition, LedgerRefusalCount row) => text.Append(
        $"({partition},'{(row.CampaignId.Length == 0 ? "" : Checked(row.CampaignId))}','{row.Reason.Name()}',{row.Count})");

    private static StringBuilder Campaign(StringBuilder text, LedgerCampaign row, string description) => text.Append(
        $"('{Checked(row.CampaignId)}',{row.Partition},{row.State.Number},{row.State.Quantity},{row.State.PerUser},{row.State.OpensAtMs},{row.State.ClosesAtMs},{(row.State.IsClosed ? 1 : 0)},{row.State.Issued},{row.State.OpenedAtMs},{description})");

    private static string Checked(string id) =>
        Identifier.IsValid(id) ? id : throw new ArgumentException($"not an id ({Identifier.Rule}): it must not become part of a statement", nameof(id));
}
