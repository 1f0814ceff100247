using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Core.Log;
using static FlashSale.Core.Tests.Coupons.CouponTestData;

namespace FlashSale.Core.Tests.Door;

public sealed class GroupCommitTests : IDisposable
{
    private readonly Pump _pump = new();
    private readonly HeldAppender _appender = new();
    private readonly DoorOptions _options = new() { AppendInterval = TimeSpan.Zero, AppendRate = 0 };
    private readonly ManualTime _time = new();
    private readonly GroupCommit _commit;
    private readonly List<(long Offset, int Commands)> _told = [];
    private ulong _claims;

    public GroupCommitTests() => _commit = new GroupCommit("coupon-commands", 3, _appender, Appended, new AppendPace(_options, _time), new TestIds(), _options, _time);

    public void Dispose() => _pump.Dispose();

    [Fact]
    public void Append_NothingInFlight_SendsOneCommandAtOnce()
    {
        var append = Append("a");
        Assert.Equal(["a"], UsersOf(Assert.Single(_appender.Sent)));
        Assert.False(append.IsCompleted);

        _appender.Acknowledge(0, 41);
        Assert.Equal(new AppendResult(AppendState.Appended, 41, 0, FirstNumber(41)), _pump.Result(append));
        Assert.Equal(0, _commit.Waiting);
    }

    [Fact]
    public void Append_WhileAppendsAreHeld_GathersInOrderOfArrival()
    {
        var first = new[] { Append("a"), Append("b") };
        var gathered = new[] { Append("c"), Append("d"), Append("e") };
        Assert.Equal(2, _appender.Sent.Count);

        _appender.Acknowledge(1, 8);
        _pump.Run();
        Assert.Equal(["c", "d", "e"], UsersOf(_appender.Sent[2]));
        Assert.False(first[0].IsCompleted);
        Assert.True(first[1].IsCompleted);
        Assert.All(gathered, g => Assert.False(g.IsCompleted));
        Assert.Equal([(8, 1)], _told);

        _appender.Acknowledge(2, 9);
        for (var i = 0; i < gathered.Length; i++)
            Assert.Equal(new AppendResult(AppendState.Appended, 9, i, FirstNumber(9) + i), _pump.Result(gathered[i]));
        Assert.Equal([(8, 1), (9, 3)], _told);
        Assert.False(first[0].IsCompleted);
        Assert.Equal(1, _commit.Waiting);
    }

    [Fact]
    public void Append_SoonAfterAnAppend_WaitsForTheIntervalAndGathers()
    {
        _options.AppendInterval = TimeSpan.FromMilliseconds(4);
        _ = Append("a");
        _ = Append("b");
        _time.Advance(TimeSpan.FromMilliseconds(3));
        _pump.Run();
        _ = Append("c");
        Assert.Single(_appender.Sent);

        _time.Advance(TimeSpan.FromMilliseconds(1));
        _pump.Run();
        Assert.Equal(["b", "c"], UsersOf(_appender.Sent[1]));
    }

    [Fact]
    public void Append_AfterAQuietTime_BeginsAtOnce()
    {
        _options.AppendInterval = TimeSpan.FromMilliseconds(4);
        _ = Append("a");
        _time.Advance(TimeSpan.FromMilliseconds(4));
        _ = Append("b");
        Assert.Equal(["b"], UsersOf(_appender.Sent[1]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Append_AnyLoad_NeverPassesTheInFlightBound(int max)
    {
        _options.AppendsInFlightMax = max;
        for (var i = 0; i < 50; i++)
            _ = Append($"u{i}");
        Assert.Equal(max, _appender.InFlight);

        for (var i = 0; _appender.InFlight > 0; i++)
        {
            _appender.Acknowledge(i, i);
            _pump.Run();
            Assert.InRange(_appender.InFlight, 0, max);
        }

        Assert.Equal(max + 1, _appender.Sent.Count);
    }

    [Fact]
    public void Append_TooManyWait_IsOverloadedAtOnceAndNotAppended()
    {
        _options.WaitingMax = 3;
        var waiting = new[] { Append("a"), Append("b"), Append("c") };
        Assert.Equal(new AppendResult(AppendState.Overloaded, -1, -1, 0), _pump.Result(Append("d")));

        _appender.Acknowledge(0, 1);
        _pump.Run();
        var later = Append("e");
        Assert.False(later.IsCompleted);
        _appender.Acknowledge(1, 2);
        _appender.Acknowledge(2, 3);
        _pump.Run();
        _appender.Acknowledge(3, 4);
        Assert.Equal(AppendState.Appended, _pump.Result(later).State);
        Assert.Equal(["a", "b", "c", "e"], _appender.Sent.SelectMany(UsersOf));
        Assert.All(waiting, w => Assert.Equal(AppendState.Appended, _pump.Result(w).State));
    }

    [Fact]
    public void Append_LogFails_IsUnavailableForExactlyThatGroup()
    {
        var first = Append("a");
        var second = Append("b");
        var gathered = new[] { Append("c"), Append("d") };
        _appender.Fail(0, new LogUnavailableException("timed out"));
        Assert.Equal(new AppendResult(AppendState.LogUnavailable, -1, -1, 0), _pump.Result(first));
        Assert.False(second.IsCompleted);

        var next = Append("e");
        _appender.Fail(2, new LogUnavailableException("timed out"));
        Assert.All(gathered, g => Assert.Equal(AppendState.LogUnavailable, _pump.Result(g).State));
        _appender.Acknowledge(1, 6);
        _appender.Acknowledge(3, 7);
        Assert.Equal(AppendState.Appended, _pump.Result(second).State);
        Assert.Equal(new AppendResult(AppendState.Appended, 7, 0, FirstNumber(7)), _pump.Result(next));
        Assert.Equal(0, _commit.Waiting);
    }

    /// <summary>Closed: by the replacement of a producer that has ended, while an append is on its way into it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Append_AppenderThrowsAtOnce_IsUnavailableAndTheNextGoesOn(bool closed)
    {
        _appender.ThrowNext = closed ? new ObjectDisposedException("producer") : new LogUnavailableException("broken");
        Assert.Equal(AppendState.LogUnavailable, _pump.Result(Append("a")).State);

        var next = Append("b");
        _appender.Acknowledge(0, 5);
        Assert.Equal(AppendState.Appended, _pump.Result(next).State);
    }

    [Fact]
    public void Append_MoreThanARecordMayHold_GoesIntoSeveralInOrder()
    {
        _options.AppendsInFlightMax = 1;
        _ = Append("first");
        var users = Enumerable.Range(0, 2 * CouponLimits.RecordCommandsMax + 500).Select(i => $"u{i}").ToList();
        var appends = users.Select(u => Append(u)).ToList();
        for (var i = 0; i < 4; i++)
        {
            _appender.Acknowledge(i, i);
            _pump.Run();
        }

        Assert.Equal([1, CouponLimits.RecordCommandsMax, CouponLimits.RecordCommandsMax, 500], _appender.Sent.Select(s => UsersOf(s).Count));
        Assert.Equal(users, _appender.Sent.Skip(1).SelectMany(UsersOf));
        Assert.Equal(new AppendResult(AppendState.Appended, 3, 499, FirstNumber(3) + 499), _pump.Result(appends[^1]));
    }

    [Fact]
    public void Append_LargeCommands_KeepEachRecordBelowItsSize()
    {
        _options.AppendsInFlightMax = 1;
        for (var i = 0; i < 300; i++)
            _ = Append(Change("sale", i + 1, description: new string('d', CouponLimits.DescriptionBytesMax)));
        for (var i = 0; i < _appender.Sent.Count; i++)
        {
            _appender.Acknowledge(i, i);
            _pump.Run();
        }

        Assert.Equal(300, _appender.Sent.Sum(s => Commands(s).Count));
        Assert.All(_appender.Sent, s => Assert.InRange(s.Length, 1, CouponLimits.RecordBytesMax));
    }

    [Fact]
    public void Append_InvalidCommand_LeavesTheOthersAlone()
    {
        Assert.Throws<ArgumentException>(() => _pump.Result(Append("no user")));
        var first = Append("a");
        var second = Append("b");
        Assert.Throws<ArgumentException>(() => _pump.Result(Append("no user")));
        var gathered = Append("c");
        Assert.Throws<ArgumentException>(() => _pump.Result(Append("no user")));

        _appender.Acknowledge(0, 1);
        _pump.Run();
        _appender.Acknowledge(1, 2);
        _appender.Acknowledge(2, 3);
        Assert.All([first, second, gathered], a => Assert.Equal(AppendState.Appended, _pump.Result(a).State));
        Assert.Equal(0, _commit.Waiting);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Append_RandomArrivalsAndAcknowledgements_EveryAnswerNamesItsOwnCommand(int seed)
    {
        var random = new Random(seed);
        var appends = new List<(string User, Task<AppendResult> Append)>();
        for (var step = 0; step < 3_000; step++)
        {
            if (random.Next(4) > 0)
                appends.Add(($"u{step}", Append($"u{step}")));
            else if (_appender.FirstInFlight is { } held)
                _appender.Acknowledge(held, held);
            if (random.Next(3) == 0)
                _pump.Run();
            Assert.InRange(_appender.InFlight, 0, _options.AppendsInFlightMax);
        }

        while (_appender.FirstInFlight is { } held)
        {
            _appender.Acknowledge(held, held);
            _pump.Run();
        }

        Assert.Equal(appends.Select(a => a.User), _appender.Sent.SelectMany(UsersOf));
        foreach (var (user, append) in appends)
        {
            var result = _pump.Result(append);
            var record = UsersOf(_appender.Sent[(int)result.Offset]);
            Assert.Equal((user, FirstNumber(result.Offset) + result.Index), (record[result.Index], result.Number));
        }
    }

    private Task<AppendResult> Append(string user) => Append(Claim("sale", user, ++_claims));

    private Task<AppendResult> Append(CouponCommand command)
    {
        _pump.Enter();
        return AwaitAsync(_commit.AppendAsync(command));
    }

    private static async Task<AppendResult> AwaitAsync(Appending appending) => await appending;

    private long Appended(long offset, int commands)
    {
        _told.Add((offset, commands));
        return FirstNumber(offset);
    }

    private static long FirstNumber(long offset) => 1_000 * offset;

    private static List<string> UsersOf(byte[] record) => [.. Commands(record).Select(c => c.UserId!)];

    /// <summary>Acknowledges or fails each append when it is told to.</summary>
    private sealed class HeldAppender : ILogAppender
    {
        private readonly List<TaskCompletionSource<long>> _appended = [];

        public List<byte[]> Sent { get; } = [];

        public Exception? ThrowNext { get; set; }

        public int InFlight => _appended.Count(a => !a.Task.IsCompleted);

        public int? FirstInFlight => _appended.FindIndex(a => !a.Task.IsCompleted) is var i and >= 0 ? i : null;

        public Task<long> AppendAsync(string topic, int partition, ReadOnlyMemory<byte> value)
        {
            if (ThrowNext is { } fault)
            {
                ThrowNext = null;
                throw fault;
            }

            Assert.Equal(("coupon-commands", 3), (topic, partition));
            Assert.Equal(CommandRecordState.Readable, CouponRecord.Inspect(value.Span).State);
            Sent.Add(value.ToArray());
            _appended.Add(new TaskCompletionSource<long>());
            return _appended[^1].Task;
        }

        public void Acknowledge(int append, long offset) => _appended[append].SetResult(offset);

        public void Fail(int append, Exception fault) => _appended[append].SetException(fault);
    }
}
