using System.Diagnostics;
using FlashSale.Core.Audit;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using Spectre.Console;

namespace FlashSale.Benchmarks;

/// <summary>
/// An audit of a log that is too long to be made by a sale in the time at hand: two partitions whose records are made while they are read,
/// half a million coupons in each, everybody else refused. What it shows is that memory depends on the coupons, not on the log.
/// </summary>
internal static class LongAudit
{
    private const int CommandsEach = 1_000;
    private const int Partitions = 2;
    private const int Quantity = 500_000;

    private static readonly TimeSpan ShownEvery = TimeSpan.FromSeconds(5);

    /// <summary>Exit code 0, or 1 where the audit finds a difference.</summary>
    /// <param name="commands">In both partitions together; rounded down to whole records.</param>
    public static async Task<int> RunAsync(long commands)
    {
        var records = commands / Partitions / CommandsEach;
        var differences = new Differences();
        var progress = new AuditProgress();
        var since = Stopwatch.StartNew();
        var audit = Task.Run(() => Auditor.RunAsync(
            [.. Enumerable.Range(0, Partitions)], Partitions, MachineTopics.Coupon, new GeneratedLog(records), new AuditSources(Events: true), new AuditSettings(),
            differences, progress, CancellationToken.None));
        while (await Task.WhenAny(audit, Task.Delay(ShownEvery)) != audit)
            AnsiConsole.WriteLine($"{since.Elapsed.TotalSeconds,6:F0} s  {progress.Commands,12:N0} commands  {Environment.WorkingSet >> 20,6:N0} MB");

        var reports = await audit;
        foreach (var difference in differences.First.Take(10))
            AnsiConsole.WriteLine(difference.ToString());
        using var self = Process.GetCurrentProcess();
        AnsiConsole.WriteLine(
            $"{reports.Sum(r => r.Commands):N0} commands, {reports.Sum(r => r.Campaigns.Sum(c => c.Issued)):N0} coupons, {differences.Count:N0} differences; "
            + $"{progress.Commands / since.Elapsed.TotalSeconds:N0} commands/s, at most {self.PeakWorkingSet64 >> 20:N0} MB resident, the making of records and events included");
        return differences.Count == 0 ? 0 : 1;
    }

    /// <summary>A log whose records are made when they are read: a genesis, a campaign, then claims of distinct users.</summary>
    private sealed class GeneratedLog(long records) : ILog
    {
        public ILogReader Read(string topic, int partition, long fromOffset) =>
            topic == MachineTopics.Coupon.Commands ? new Reader(partition, fromOffset, Command) : new Reader(partition, fromOffset, new Teller(partition).Event);

        public ValueTask<LogBounds> BoundsAsync(string topic, int partition, CancellationToken cancel) =>
            ValueTask.FromResult(new LogBounds(0, topic == MachineTopics.Coupon.Commands ? records + 2 : records + 1));

        public static byte[] Command(int partition, long offset) => offset switch
        {
            0 => new GenesisRecord(Sample.Id(0), Sample.Log, MachineTopics.Coupon.Machine, partition, Partitions, MachineTopics.KeyHash, GenesisRecord.RulesCurrent).Encode(),
            1 => Sample.Record(1, [Sample.OpenWith(Quantity)]),
            _ => Sample.Record(offset, Enumerable.Range((int)((offset - 2) * CommandsEach), CommandsEach).Select(Sample.Claim)),
        };
    }

    /// <summary>Tells what the model decides.</summary>
    private sealed class Teller(int partition)
    {
        private readonly CouponModel _model = new();
        private long _commands;

        public byte[] Event(int _, long offset)
        {
            var value = GeneratedLog.Command(partition, offset + 1);
            var info = CouponRecord.Inspect(value);
            var outcomes = _model.Apply(offset + 1, info, value);
            _commands += info.Commands;
            return new EventRecord(Sample.Id(offset), Sample.Log, new RecordPosition(offset + 1, info.Id), _commands, Sample.InstantMs, value, outcomes).Encode();
        }
    }

    private sealed class Reader(int partition, long fromOffset, Func<int, long, byte[]> make) : ILogReader
    {
        // Some 400 kB, as Kafka's client hands over.
        private const int RecordsAtATime = 10;

        private long _next = fromOffset;

        public ValueTask<IReadOnlyList<LogRecord>> ReadAsync(int recordsMax, int bytesMax, CancellationToken cancel)
        {
            var read = new LogRecord[Math.Min(RecordsAtATime, recordsMax)];
            for (var i = 0; i < read.Length; i++, _next++)
                read[i] = new LogRecord(_next, make(partition, _next), Sample.InstantMs);
            return ValueTask.FromResult<IReadOnlyList<LogRecord>>(read);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
