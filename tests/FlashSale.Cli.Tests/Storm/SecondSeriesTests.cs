using FlashSale.Cli.Storm;

namespace FlashSale.Cli.Tests.Storm;

public sealed class SecondSeriesTests
{
    private readonly SecondSeries _series = new();

    [Fact]
    public void Rows_Nothing_AreNone() => Assert.Empty(_series.Rows());

    [Fact]
    public void Rows_SeveralSeconds_HaveWhatCameInEach()
    {
        _series.Offered(At(0.2));
        _series.Offered(At(0.9));
        Answer(AnswerKind.Accepted, 0.95, 10);
        Answer(AnswerKind.RefusedAtDoor, 1.5, 3);
        _series.Unknown(At(3.1));
        Answer(AnswerKind.Decided, 3.2, 20);

        IReadOnlyList<SecondRow> rows = _series.Rows();
        Assert.Equal([0, 1, 2, 3], rows.Select(r => r.Second));
        Assert.Equal([2, 0, 0, 0], rows.Select(r => r.Offered));
        Assert.Equal([1, 0, 0, 0], rows.Select(r => r.Accepted));
        Assert.Equal([0, 1, 0, 0], rows.Select(r => r.RefusedAtDoor));
        Assert.Equal([0, 0, 0, 1], rows.Select(r => r.Unknown));
        Assert.Equal([0, 0, 0, 1], rows.Select(r => r.Decided));
        Assert.Equal([10, null, null, null], rows.Select(r => r.AcceptedP50));
        Assert.Equal([null, 3, null, null], rows.Select(r => r.RefusedP99));
        Assert.Equal([null, null, null, 20], rows.Select(r => r.DecidedP99));
    }

    [Fact]
    public void Rows_ManyAnswersInASecond_HaveTheirPercentiles()
    {
        for (int i = 1; i <= 1000; i++)
            Answer(AnswerKind.Accepted, 0.5, i);
        // The seconds after it close its histograms.
        _series.Offered(At(5));
        SecondRow row = _series.Rows()[0];
        Assert.InRange(row.AcceptedP50!.Value, 500, 505);
        Assert.InRange(row.AcceptedP99!.Value, 990, 1000);
    }

    [Fact]
    public void Record_LongAfterItsSecond_IsCountedWithoutALatency()
    {
        Answer(AnswerKind.Accepted, 0.5, 1);
        _series.Offered(At(9));
        Answer(AnswerKind.Accepted, 0.6, 5000);
        SecondRow row = _series.Rows()[0];
        Assert.Equal(2, row.Accepted);
        Assert.InRange(row.AcceptedP99!.Value, 1, 1.01);
    }

    [Fact]
    public void Record_BeforeTheStart_BelongsToTheFirstSecond()
    {
        _series.Offered(At(-0.01));
        Assert.Equal(1, Assert.Single(_series.Rows()).Offered);
    }

    [Fact]
    public void Record_FromManyThreads_CountsEach()
    {
        Parallel.For(0, 10_000, i => Answer(AnswerKind.Accepted, i / 1000.0, i % 100));
        Assert.Equal(10, _series.Rows().Count);
        Assert.All(_series.Rows(), r => Assert.Equal(1000, r.Accepted));
    }

    private void Answer(AnswerKind kind, double at, double milliseconds) => _series.Record(kind, At(at), TimeSpan.FromMilliseconds(milliseconds));

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
