using System.Data;
using System.Data.Common;
using System.Text;
using BenchmarkDotNet.Attributes;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;
using FlashSale.MySql;

namespace FlashSale.Benchmarks;

/// <summary>
/// One transaction per batch of issued coupons, on a real database. The twin sends ready-made texts over the same driver: one multi-row
/// INSERT and the move of the mark, into the same tables.
/// </summary>
[BenchmarkCategory("servers")]
public class LedgerWrite
{
    private const int Batches = 8;
    private const int Partition = 900;
    private const int TwinPartition = 901;

    private readonly List<LedgerBatch> _batches = [];
    private readonly List<string[]> _statements = [];
    private MySqlLedger _ledger = null!;

    [Params(100, 1_000)]
    public int Rows { get; set; }

    // The in-process toolchain does not wait for an asynchronous one.
    [GlobalSetup]
    public void Setup() => SetupAsync().GetAwaiter().GetResult();

    private async Task SetupAsync()
    {
        _ledger = new MySqlLedger(new MySqlOptions { ConnectionString = Servers.MySql });
        await _ledger.MigrateAsync(CancellationToken.None);
        for (var i = 0; i < Batches; i++)
        {
            _batches.Add(Batch(Partition, i));
            _statements.Add(Statements(Batch(TwinPartition, i)));
        }
    }

    [IterationSetup]
    public void Begin() => Run("DELETE FROM coupons WHERE partition_no IN (900, 901)", "DELETE FROM ledger_marks WHERE partition_no IN (900, 901)",
        $"INSERT INTO ledger_marks (partition_no, log_id, written_offset, written_record, event_offset) VALUES ({TwinPartition}, '{Sample.Log}', 0, '{Sample.Id(0)}', 0)").GetAwaiter().GetResult();

    [GlobalCleanup]
    public void Cleanup() => CleanupAsync().GetAwaiter().GetResult();

    private async Task CleanupAsync()
    {
        await Run("DELETE FROM coupons WHERE partition_no IN (900, 901)", "DELETE FROM ledger_marks WHERE partition_no IN (900, 901)");
        _ledger.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Batches)]
    public async Task ReadyStatements()
    {
        foreach (var statements in _statements)
            await Run(statements);
    }

    [Benchmark(OperationsPerInvoke = Batches)]
    public async Task Write()
    {
        foreach (var batch in _batches)
        {
            if (!await _ledger.WriteAsync(batch, CancellationToken.None))
                throw new InvalidOperationException("the mark was not the one expected");
        }
    }

    private Task<bool> Run(params string[] statements) => _ledger.RunAsync(connection => Run(connection, statements), CancellationToken.None);

    private static bool Run(DbConnection connection, string[] statements)
    {
        using var transaction = connection.BeginTransaction(IsolationLevel.ReadCommitted);
        foreach (var statement in statements)
        {
            using var command = connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = statement;
            command.ExecuteNonQuery();
        }

        transaction.Commit();
        return true;
    }

    private LedgerBatch Batch(int partition, int number) => new(partition, Mark(number), Mark(number + 1),
        [.. Enumerable.Range(0, Rows).Select(i => new LedgerCoupon(
            new RecordAddress(partition, number + 1, i), Sample.Campaign, Sample.User(i), $"{partition}X{number:D4}X{i:D7}", number * Rows + i, (ulong)i, Sample.InstantMs))],
        [], [], []);

    private static LedgerMark Mark(int offset) => new(Sample.Log, new RecordPosition(offset, Sample.Id(offset)), offset);

    private static string[] Statements(LedgerBatch batch)
    {
        var rows = new StringBuilder("INSERT INTO coupons (partition_no, record_offset, command_index, campaign_id, sequence_no, coupon_code, user_id, claim_id, instant_ms) VALUES ");
        foreach (var row in batch.Coupons)
        {
            rows.Append(row.Address.Index == 0 ? "" : ",").Append(
                $"({row.Address.Partition},{row.Address.Offset},{row.Address.Index},'{row.CampaignId}',{row.Sequence},'{row.CouponCode}','{row.UserId}',{(long)row.ClaimId},{row.InstantMs})");
        }

        return [
            $"UPDATE ledger_marks SET written_offset = {batch.After.Written.Offset}, event_offset = {batch.After.EventOffset} WHERE partition_no = {batch.Partition}",
            rows.ToString(),
        ];
    }
}
