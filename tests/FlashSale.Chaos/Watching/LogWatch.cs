using FlashSale.Chaos.Servers;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlashSale.Chaos.Watching;

/// <summary>Counts what is in the log, what is decided and what is in the ledger by reading all three: none of the processes under test is asked.</summary>
internal sealed class LogWatch : IAsyncDisposable
{
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LedgerInterval = TimeSpan.FromSeconds(1);

    private readonly Partition[] _partitions;
    private readonly Database _database;
    private readonly KafkaLog _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watching;
    private volatile bool _isLedgerAway;

    public LogWatch(ChaosStack stack)
    {
        var options = stack.KafkaOptions;
        _database = stack.Database;
        _log = new KafkaLog(options, "chaos", NullLogger<KafkaLog>.Instance);
        _partitions = [.. Enumerable.Range(0, options.Partitions).Select(_ => new Partition())];
        _watching = Task.WhenAll(Enumerable.Range(0, _partitions.Length).SelectMany(p => (Task[])
        [
            FollowAsync(MachineTopics.Coupon.Commands, p, record => _partitions[p].Append(record)),
            FollowAsync(MachineTopics.Coupon.Events, p, record => _partitions[p].Decide(record)),
        ]).Append(FollowLedgerAsync()));
    }

    public Sample Take(double seconds) => new(
        seconds, _partitions.Sum(p => p.Commands), _partitions.Sum(p => p.Decided),
        _isLedgerAway ? -1 : _partitions.Sum(p => Math.Max(0, p.LastRecord - p.Written)));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        await _log.DisposeAsync();
        _stop.Dispose();
    }

    private async Task FollowAsync(string topic, int partition, Action<LogRecord> take)
    {
        var next = 0L;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var reader = _log.Read(topic, partition, next);
                while (true)
                {
                    foreach (var record in await reader.ReadAsync(1_000, 1 << 20, _stop.Token))
                    {
                        take(record);
                        next = record.Offset + 1;
                    }
                }
            }
            catch (LogUnavailableException)
            {
                await Task.Delay(AgainAfter, _stop.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task FollowLedgerAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var away = false;
                for (var p = 0; p < _partitions.Length && !away; p++)
                {
                    var written = await _database.WrittenAsync(p, _stop.Token);
                    away = written < 0;
                    _partitions[p].Written = Math.Max(_partitions[p].Written, written);
                }

                _isLedgerAway = away;
                await Task.Delay(LedgerInterval, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Written by one reader each, read by whoever takes a sample.</summary>
    private sealed class Partition
    {
        private long _commands;
        private long _lastRecord;
        private long _decided;
        private long _written;

        public long Commands => Volatile.Read(ref _commands);

        public long LastRecord => Volatile.Read(ref _lastRecord);

        public long Decided => Volatile.Read(ref _decided);

        public long Written
        {
            get => Volatile.Read(ref _written);
            set => Volatile.Write(ref _written, value);
        }

        public void Append(LogRecord record)
        {
            // The genesis record at 0 holds no command.
            if (record.Offset > 0)
                Volatile.Write(ref _commands, _commands + CouponMachine.Instance.Inspect(record.Value.Span).Commands);
            Volatile.Write(ref _lastRecord, record.Offset);
        }

        public void Decide(LogRecord record) => Volatile.Write(ref _decided, Math.Max(_decided, EventRecord.Decode(record.Value).Commands));
    }
}
