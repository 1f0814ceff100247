using System.Data;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;
using FlashSale.MySql;

namespace FlashSale.Measure.Twins;

/// <summary>
/// The ledger's twin: ready-made statements over the same driver into the same tables, in the same batches and transactions with the same
/// move of the mark; all coupons of a batch in one INSERT of literals, the form that is fastest with either driver. Each partition keeps its connection.
/// </summary>
internal static class LedgerTwin
{
    private static readonly LedgerOptions Bounds = new();

    /// <summary>Writes all events into an empty database; yields the rows of coupons, and the seconds that it took.</summary>
    public static async Task<(long Rows, double Seconds)> RunAsync(string connectionString, IReadOnlyList<LogRecord>[] events, CancellationToken cancel)
    {
        using var ledger = new MySqlLedger(new MySqlOptions { ConnectionString = connectionString });
        await ledger.MigrateAsync(cancel);
        var prepared = events.Select((records, partition) => Batches(partition, records).Select(b => (Rows: b.Coupons.Count, Statements: Statements(b, ledger.Dialect))).ToList()).ToList();
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(prepared.Where(p => p.Count > 0).Select(p => ledger.RunAsync(connection =>
        {
            foreach (var (_, statements) in p)
                Write(connection, statements);
            return true;
        }, cancel)));
        return (prepared.Sum(p => p.Sum(b => (long)b.Rows)), Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Cut as the ledger's writer cuts them when it is behind.</summary>
    private static List<LedgerBatch> Batches(int partition, IReadOnlyList<LogRecord> records)
    {
        using var codes = new CampaignCodes(partition);
        var builder = new LedgerBatchBuilder(partition, everyRefusal: false, codes);
        var batches = new List<LedgerBatch>();
        LedgerMark? mark = null;
        foreach (var record in records)
        {
            var told = EventRecord.Decode(record.Value);
            mark ??= new LedgerMark(told.Log, default, 0);
            builder.Add(told);
            if (builder.Rows < Bounds.RowsMax && builder.Records < Bounds.RecordsMax && record.Offset != records[^1].Offset)
                continue;
            var reached = new LedgerMark(told.Log, told.Answers, record.Offset + 1);
            batches.Add(builder.Take(mark, reached));
            mark = reached;
        }

        return batches;
    }

    private static List<(string Sql, string? Description)> Statements(LedgerBatch batch, LedgerDialect dialect)
    {
        var (before, after) = (batch.Before, batch.After);
        var statements = new List<(string, string?)>
        {
            (before.Written.Offset == 0
                ? string.Create(CultureInfo.InvariantCulture, $"INSERT INTO ledger_marks (partition_no, log_id, written_offset, written_record, event_offset) VALUES ({batch.Partition}, '{after.Log}', {after.Written.Offset}, '{after.Written.Record}', {after.EventOffset})")
                : string.Create(CultureInfo.InvariantCulture, $"UPDATE ledger_marks SET written_offset = {after.Written.Offset}, written_record = '{after.Written.Record}', event_offset = {after.EventOffset} WHERE partition_no = {batch.Partition} AND log_id = '{after.Log}' AND written_offset = {before.Written.Offset} AND written_record = '{before.Written.Record}'"), null),
        };
        if (batch.Coupons.Count > 0)
            statements.Add((Coupons(batch.Coupons), null));
        // Counts and campaigns are a few rows in each batch, in both.
        statements.AddRange(new LedgerSql(dialect).Statements(batch with { Coupons = [] }));
        return statements;
    }

    private static string Coupons(IReadOnlyList<LedgerCoupon> coupons)
    {
        var text = new StringBuilder("INSERT INTO coupons (partition_no, record_offset, command_index, campaign_id, sequence_no, coupon_code, user_id, claim_id, instant_ms) VALUES ");
        foreach (var row in coupons)
        {
            text.Append(text[^1] == ')' ? "," : "").Append(CultureInfo.InvariantCulture,
                $"({row.Address.Partition},{row.Address.Offset},{row.Address.Index},'{row.CampaignId}',{row.Sequence},'{row.CouponCode}','{row.UserId}',{unchecked((long)row.ClaimId)},{row.InstantMs})");
        }

        return text.ToString();
    }

    private static void Write(DbConnection connection, List<(string Sql, string? Description)> statements)
    {
        using var transaction = connection.BeginTransaction(IsolationLevel.ReadCommitted);
        foreach (var (sql, description) in statements)
        {
            using var command = connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = sql;
            if (description is not null)
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = "@description";
                parameter.Value = description;
                command.Parameters.Add(parameter);
            }

            command.ExecuteNonQuery();
        }

        transaction.Commit();
    }
}
