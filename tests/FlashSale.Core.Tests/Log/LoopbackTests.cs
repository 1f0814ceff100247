using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Log;

public sealed class LoopbackTests : IDisposable
{
    private const string Topic = "events";

    private readonly Pump _pump = new();
    private readonly ManualTime _time = new();
    private readonly MemoryLog _log = new();
    private readonly CancellationTokenSource _cancel = new();
    private readonly Loopback _loopback;
    private readonly ILogReader _reader;

    public LoopbackTests()
    {
        _loopback = new Loopback(_time);
        _reader = _loopback.Over(_log).Read(Topic, 0, 0);
    }

    [Fact]
    public void Own_records_are_taken_as_they_are_acknowledged_and_the_log_is_not_read_any_more()
    {
        _pump.Enter();
        var first = Read();
        Own("a");
        Assert.Equal("0a", _pump.Result(first));
        Assert.Equal(0, _log.OpenReaders);

        var second = Read();
        Own("b");
        Own("c");
        Assert.Equal("1b 2c", _pump.Result(second));
        Assert.Equal(0, _log.OpenReaders);
    }

    [Fact]
    public void Records_before_the_own_ones_are_read_from_the_log()
    {
        _pump.Enter();
        Others("a");
        Others("b");
        Own("c");
        Own("d");
        Assert.Equal("0a 1b 2c 3d", _pump.Result(ReadUpTo(3)));
        Assert.Equal(0, _log.OpenReaders);
    }

    [Fact]
    public void What_is_acknowledged_too_early_waits_for_the_one_before()
    {
        _pump.Enter();
        var reading = ReadUpTo(2);
        Own("a");
        _pump.Run();
        var (b, c) = (_log.Add(Topic, "b"u8.ToArray()), _log.Add(Topic, "c"u8.ToArray()));
        _loopback.Acknowledged(Topic, 0, c, "c"u8.ToArray());
        _pump.Run();
        Assert.False(reading.IsCompleted);
        _loopback.Acknowledged(Topic, 0, b, "b"u8.ToArray());
        Assert.Equal("0a 1b 2c", _pump.Result(reading));
    }

    [Fact]
    public void Records_of_others_in_between_are_read_from_the_log_and_nothing_twice()
    {
        _pump.Enter();
        var reading = ReadUpTo(3);
        Own("a");
        _pump.Run();
        Others("b");
        Own("c");
        _pump.Run();
        Assert.False(reading.IsCompleted);
        _time.Advance(LoopbackReader.QuietMax);
        _pump.Run();
        Own("d");
        Assert.Equal("0a 1b 2c 3d", _pump.Result(reading));
        Assert.Equal(0, _log.OpenReaders);
    }

    [Fact]
    public void After_a_quiet_time_the_log_is_read_and_own_records_are_still_taken_at_once()
    {
        _pump.Enter();
        var reading = ReadUpTo(1);
        Own("a");
        _pump.Run();
        _time.Advance(LoopbackReader.QuietMax - TimeSpan.FromMilliseconds(1));
        _pump.Run();
        Assert.Equal(0, _log.OpenReaders);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _pump.Run();
        Assert.Equal(1, _log.OpenReaders);
        Others("b");
        Assert.Equal("0a 1b", _pump.Result(reading));

        var next = Read();
        _pump.Run();
        Assert.Equal(1, _log.OpenReaders);
        // The log has it and is not asked: only the acknowledgement is told.
        _loopback.Acknowledged(Topic, 0, 2, "c"u8.ToArray());
        Assert.Equal("2c", _pump.Result(next));
        Assert.Equal(0, _log.OpenReaders);
    }

    [Fact]
    public void More_than_may_wait_is_read_from_the_log()
    {
        _pump.Enter();
        var record = new byte[LoopbackReader.WaitingBytesMax / 4];
        for (var i = 0; i < 6; i++)
            _loopback.Acknowledged(Topic, 0, _log.Add(Topic, record), record);
        var offsets = new List<long>();
        _loopback.Acknowledged(Topic, 0, _log.Add(Topic, "end"u8.ToArray()), "end"u8.ToArray());

        async Task<bool> ReadAllAsync()
        {
            while (offsets.Count < 7)
                offsets.AddRange((await _reader.ReadAsync(2, int.MaxValue, _cancel.Token)).Select(r => r.Offset));
            return true;
        }

        var reading = ReadAllAsync();
        _pump.Run();
        Assert.Equal([0, 1, 2, 3], offsets);
        _time.Advance(LoopbackReader.QuietMax);
        Assert.True(_pump.Result(reading));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], offsets);
    }

    [Fact]
    public void A_record_whose_offset_is_not_known_is_read_from_the_log()
    {
        _pump.Enter();
        var reading = Read();
        _pump.Run();
        _loopback.Acknowledged(Topic, 0, -1, "a"u8.ToArray());
        _pump.Run();
        Assert.False(reading.IsCompleted);
        Others("a");
        Assert.Equal("0a", _pump.Result(reading));
    }

    [Fact]
    public void Each_reader_gets_everything_of_its_partition_and_nothing_else()
    {
        _pump.Enter();
        var other = _loopback.Over(new MemoryLog()).Read(Topic, 0, 0);
        var elsewhere = _loopback.Over(new MemoryLog()).Read(Topic, 1, 0);
        var (one, two, three) = (Read(), Text(other.ReadAsync(1, 1, _cancel.Token)), Text(elsewhere.ReadAsync(1, 1, _cancel.Token)));
        Own("a");
        Assert.Equal("0a", _pump.Result(one));
        Assert.Equal("0a", _pump.Result(two));
        Assert.False(three.IsCompleted);
    }

    [Fact]
    public async Task A_closed_reader_takes_nothing_more()
    {
        Own("a");
        await _reader.DisposeAsync();
        await using var again = _loopback.Over(_log).Read(Topic, 0, 1);
        Own("b");
        Assert.Equal("1b", await Text(again.ReadAsync(1, 1, _cancel.Token)));
    }

    [Fact]
    public void A_fault_of_the_log_is_the_readers()
    {
        _pump.Enter();
        using var log = new Door.LogWithFaults(_log);
        var reader = _loopback.Over(log).Read(Topic, 0, 0);
        var reading = Text(reader.ReadAsync(1, 1, _cancel.Token));
        _pump.Run();
        log.BreakReaders();
        Assert.Throws<LogUnavailableException>(() => _pump.Await(reading));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Reading_is_cancelled(bool following)
    {
        _pump.Enter();
        if (following)
        {
            Own("a");
            Assert.Equal("0a", _pump.Result(Read()));
        }

        var reading = Read();
        _pump.Run();
        _cancel.Cancel();
        _pump.Run();
        Assert.True(reading.IsCanceled);
    }

    public void Dispose()
    {
        _pump.Dispose();
        _cancel.Dispose();
    }

    private static async Task<string> Text(ValueTask<IReadOnlyList<LogRecord>> reading) => Text(await reading);

    private static string Text(IEnumerable<LogRecord> records) =>
        string.Join(' ', records.Select(r => $"{r.Offset}{System.Text.Encoding.UTF8.GetString(r.Value.Span)}"));

    private void Own(string value)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(value);
        // The log tells its readers later than the producer: else the test could not say who was first.
        _loopback.Acknowledged(Topic, 0, _log.Records(Topic).Count, bytes);
        _log.Records(Topic).Add(bytes);
    }

    private void Others(string value) => _log.Add(Topic, System.Text.Encoding.UTF8.GetBytes(value));

    private Task<string> Read() => Text(_reader.ReadAsync(10, 1 << 20, _cancel.Token));

    private async Task<string> ReadUpTo(long offset)
    {
        var records = new List<LogRecord>();
        while (records.Count == 0 || records[^1].Offset < offset)
            records.AddRange(await _reader.ReadAsync(10, 1 << 20, _cancel.Token));
        return Text(records);
    }
}
