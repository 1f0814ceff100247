using System.Text;
using FlashSale.Core.Log;
using FlashSale.Server.Operations;

namespace FlashSale.Server.Tests.Operations;

public sealed class DeadLetterReaderTests
{
    private readonly FakeLog _log = new(3);

    [Fact]
    public async Task Read_SeveralPartitions_IsNewestFirst()
    {
        _log.Add(0, 10, 40);
        _log.Add(2, 20, 30, 50);
        using var reader = new DeadLetterReader(_log, "dlq", 3);
        var page = await reader.ReadAsync(10, null, CancellationToken.None);
        Assert.Equal([50L, 40, 30, 20, 10], page.Letters.Select(l => l.At.ToUnixTimeMilliseconds()));
        Assert.Null(page.Next);
    }

    [Fact]
    public async Task Read_ByPages_ShowsEachOnce()
    {
        _log.Add(0, [.. Enumerable.Range(0, 25).Select(i => 1_000L + 3 * i)]);
        _log.Add(1, [.. Enumerable.Range(0, 7).Select(i => 1_000L + 11 * i)]);
        using var reader = new DeadLetterReader(_log, "dlq", 3);
        var seen = new List<DeadLetterResponse>();
        DeadLetterCursor? before = null;
        do
        {
            var page = await reader.ReadAsync(5, before, CancellationToken.None);
            Assert.InRange(page.Letters.Count, 1, 5);
            seen.AddRange(page.Letters);
            before = page.Next is null ? null : DeadLetterCursor.TryParse(page.Next.ToString(), 3);
            // What comes meanwhile is newer than every page that follows.
            _log.Add(2, 9_000 + seen.Count);
        }
        while (before is not null);

        Assert.Equal(32, seen.Count);
        Assert.Equal(32, seen.Select(l => (l.Partition, l.Offset)).Distinct().Count());
        Assert.Equal(seen.OrderByDescending(l => l.At).Select(l => l.At), seen.Select(l => l.At));
    }

    [Fact]
    public async Task Read_LargePayload_ShowsItsStart()
    {
        _log.AddRaw(0, new DeadLetterRecord(new RecordId(1), new LogId(Guid.NewGuid()), 2, 77, "undecodable", new byte[300_000]).Encode());
        _log.AddRaw(0, "nothing of ours"u8.ToArray());
        using var reader = new DeadLetterReader(_log, "dlq", 3);
        var letters = (await reader.ReadAsync(10, null, CancellationToken.None)).Letters;
        Assert.Equal(("", "not-a-dead-letter", 15), (letters[0].Address, letters[0].Reason, letters[0].PayloadBytes));
        Assert.Equal(("2:77:0", "undecodable", 300_000), (letters[1].Address, letters[1].Reason, letters[1].PayloadBytes));
        Assert.Equal(1_024, Convert.FromBase64String(letters[1].PayloadBase64).Length);
    }

    [Fact]
    public async Task Read_AtTheSameTime_UsesOneReaderPerPartition()
    {
        _log.Add(0, 1, 2, 3);
        using var reader = new DeadLetterReader(_log, "dlq", 3);
        var pages = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(() => reader.ReadAsync(2, null, CancellationToken.None))));
        Assert.All(pages, p => Assert.Equal(2, p.Letters.Count));
        Assert.Equal(1, _log.ReadersMax);
    }

    [Fact]
    public async Task Read_LogAway_GivesTheTurnBack()
    {
        _log.Add(0, 1);
        _log.Away = true;
        using var reader = new DeadLetterReader(_log, "dlq", 3);
        await Assert.ThrowsAsync<LogUnavailableException>(() => reader.ReadAsync(2, null, CancellationToken.None));
        _log.Away = false;
        Assert.Single((await reader.ReadAsync(2, null, CancellationToken.None)).Letters);
    }

    private sealed class FakeLog(int partitions) : ILog
    {
        private readonly List<LogRecord>[] _records = [.. Enumerable.Range(0, partitions).Select(_ => new List<LogRecord>())];
        private readonly int[] _readers = new int[partitions];

        public int ReadersMax { get; private set; }

        public bool Away { get; set; }

        public void Add(int partition, params long[] timestamps)
        {
            foreach (var timestamp in timestamps)
            {
                var letter = new DeadLetterRecord(new RecordId(1), new LogId(Guid.NewGuid()), partition, 100, "undecodable", Encoding.ASCII.GetBytes("x"));
                _records[partition].Add(new LogRecord(_records[partition].Count, letter.Encode(), timestamp));
            }
        }

        public void AddRaw(int partition, byte[] value) => _records[partition].Add(new LogRecord(_records[partition].Count, value, _records[partition].Count));

        public ValueTask<LogBounds> BoundsAsync(string topic, int partition, CancellationToken cancel) =>
            Away ? throw new LogUnavailableException("away") : ValueTask.FromResult(new LogBounds(0, _records[partition].Count));

        public ILogReader Read(string topic, int partition, long fromOffset)
        {
            lock (_readers)
                ReadersMax = Math.Max(ReadersMax, ++_readers[partition]);
            return new Reader(this, partition, (int)fromOffset);
        }

        private sealed class Reader(FakeLog log, int partition, int next) : ILogReader
        {
            private int _next = next;

            public async ValueTask<IReadOnlyList<LogRecord>> ReadAsync(int recordsMax, int bytesMax, CancellationToken cancel)
            {
                await Task.Yield();
                var records = log._records[partition].Skip(_next).Take(Math.Min(2, recordsMax)).ToList();
                _next += records.Count;
                return records;
            }

            public ValueTask DisposeAsync()
            {
                lock (log._readers)
                    log._readers[partition]--;
                return ValueTask.CompletedTask;
            }
        }
    }
}
