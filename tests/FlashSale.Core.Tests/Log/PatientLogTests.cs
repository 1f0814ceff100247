using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Log;

public sealed class PatientLogTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ManualTime _time = new();
    private readonly LeaderOnTheMove _leader = new();

    [Fact]
    public async Task A_leader_on_the_move_is_waited_for()
    {
        _leader.Away = true;
        var asked = Ask();
        _time.Advance(Patience / 2);
        Assert.False(asked.IsCompleted);
        _leader.Away = false;
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(new LogBounds(2, 7), await asked);
    }

    [Fact]
    public async Task After_the_patience_the_last_answer_is_told()
    {
        _leader.Away = true;
        var asked = Ask();
        _time.Advance(Patience + TimeSpan.FromSeconds(1));
        var told = await Assert.ThrowsAsync<LogUnavailableException>(() => asked);
        Assert.Equal("not the leader", told.Message);
        Assert.Null(_time.NextDue);
    }

    [Fact]
    public async Task Waiting_is_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        _leader.Away = true;
        var asked = Ask(cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    private Task<LogBounds> Ask(CancellationToken cancel = default) =>
        new PatientLog(_leader, Patience, _time).BoundsAsync("topic", 4, cancel).AsTask();

    private sealed class LeaderOnTheMove : ILog
    {
        public bool Away { get; set; }

        public ILogReader Read(string topic, int partition, long fromOffset) => throw new NotSupportedException();

        public ValueTask<LogBounds> BoundsAsync(string topic, int partition, CancellationToken cancel) =>
            Away ? throw new LogUnavailableException("not the leader") : ValueTask.FromResult(new LogBounds(2, 7));
    }
}
