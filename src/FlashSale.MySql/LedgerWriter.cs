using System.Data;
using System.Data.Common;
using Dapper;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.MySql;

/// <summary>Reads marks and writes batches over an open connection; the same on each database.</summary>
internal sealed class LedgerWriter(LedgerDialect dialect)
{
    private const string InsertMark =
        "INSERT INTO ledger_marks (partition_no, log_id, written_offset, written_record, event_offset) VALUES (@Partition, @LogId, @Written, @Record, @EventOffset)";

    private const string MoveMark =
        "UPDATE ledger_marks SET written_offset = @Written, written_record = @Record, event_offset = @EventOffset "
        + "WHERE partition_no = @Partition AND log_id = @LogId AND written_offset = @Before AND written_record = @RecordBefore";

    private readonly LedgerSql _sql = new(dialect);

    public static LedgerMark? ReadMark(DbConnection connection, int partition, DbTransaction? transaction = null)
    {
        var row = connection.QuerySingleOrDefault<MarkRow>(
            "SELECT log_id AS LogId, written_offset AS Written, written_record AS Record, event_offset AS EventOffset FROM ledger_marks WHERE partition_no = @partition",
            new { partition }, transaction);
        return row is null ? null : new LedgerMark(
            new LogId(Guid.ParseExact(row.LogId, "N")),
            new RecordPosition(row.Written, new RecordId(Convert.ToUInt64(row.Record, 16))),
            row.EventOffset);
    }

    /// <summary>One transaction; false, with nothing written, where the mark is not the one before the batch.</summary>
    public bool Write(DbConnection connection, LedgerBatch batch)
    {
        // No gap locks: the mark's row alone orders the writers of a partition, and those of different partitions must not meet.
        using var transaction = connection.BeginTransaction(IsolationLevel.ReadCommitted);
        if (!TryMoveMark(connection, transaction, batch))
        {
            transaction.Rollback();
            return false;
        }

        WriteRows(connection, transaction, batch);
        transaction.Commit();
        return true;
    }

    private bool TryMoveMark(DbConnection connection, DbTransaction transaction, LedgerBatch batch)
    {
        var isFirst = batch.Before.Written.Offset == 0;
        var mark = new
        {
            batch.Partition,
            LogId = batch.After.Log.ToString(),
            Written = batch.After.Written.Offset,
            Record = batch.After.Written.Record.ToString(),
            batch.After.EventOffset,
            Before = batch.Before.Written.Offset,
            RecordBefore = batch.Before.Written.Record.ToString(),
        };
        try
        {
            return connection.Execute(isFirst ? InsertMark : MoveMark, mark, transaction) == 1;
        }
        catch (DbException e) when (isFirst && dialect.IsDuplicate(e))
        {
            return false;
        }
    }

    private void WriteRows(DbConnection connection, DbTransaction transaction, LedgerBatch batch)
    {
        try
        {
            foreach (var (sql, description) in _sql.Statements(batch))
                connection.Execute(new CommandDefinition(sql, description is null ? null : new { description }, transaction, flags: CommandFlags.NoCache));
        }
        catch (DbException e) when (dialect.IsDuplicate(e))
        {
            throw new LogRefusedException(
                $"coupons answered in partition {batch.Partition} after offset {batch.Before.Written.Offset} are in the ledger although its mark does not say so: rows or marks were changed by hand or restored in part, or a coupon was issued twice ({e.Message})");
        }
    }

    private sealed class MarkRow
    {
        public string LogId { get; set; } = "";

        public long Written { get; set; }

        public string Record { get; set; } = "";

        public long EventOffset { get; set; }
    }
}
