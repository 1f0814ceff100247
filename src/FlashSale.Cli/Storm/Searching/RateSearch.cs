namespace FlashSale.Cli.Storm.Searching;

/// <summary>
/// Finds the highest rate that passes: doubles it until one fails, then halves the (geometric) distance until it is within 5%.
/// A rate fails only when it does so twice, because on a busy machine any single step may. It asks for at most <see cref="StepsMax"/> steps.
/// </summary>
internal sealed class RateSearch(double first, double max)
{
    public const int StepsMax = 40;

    // Below that nobody has a storm.
    private const double Min = 1;
    private const double Precision = 1.05;

    private double _rate = Math.Min(first, max);
    private double _failed = double.PositiveInfinity;
    private int _failures;
    private int _steps;

    /// <summary>The highest rate that has passed; null: none so far.</summary>
    public double? Passed { get; private set; }

    /// <summary>The rate of the next step; null: the search is over.</summary>
    public double? Next => IsOver ? null : _rate;

    private bool IsOver => _steps >= StepsMax || Passed >= max || _failed / Passed <= Precision || (_failed <= Min && Passed is null);

    /// <summary>The step at <see cref="Next"/> is done.</summary>
    public void Report(bool passed)
    {
        _steps++;
        if (!passed && ++_failures < 2)
            return;
        _failures = 0;
        if (passed)
            Passed = _rate;
        else
            _failed = _rate;
        if (double.IsPositiveInfinity(_failed))
            _rate = Math.Min(_rate * 2, max);
        else if (Passed is { } lower)
            _rate = Math.Sqrt(lower * _failed);
        else
            _rate = Math.Max(_rate / 2, Min);
    }
}
