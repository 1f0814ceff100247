using FlashSale.Measure.Running;

namespace FlashSale.Measure.Rows;

/// <summary>One row of the goal table, or a few that are measured together.</summary>
internal interface IRow
{
    /// <summary>What <c>--only</c> calls it.</summary>
    string Name { get; }

    /// <summary>What it measures, in half a line.</summary>
    string Title { get; }

    /// <summary>About how long it takes, in seconds, starting and ending included.</summary>
    int Seconds(Plan plan);

    /// <exception cref="MeasureException">It does not come to its figures.</exception>
    Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel);
}

/// <summary>What the rows have in common.</summary>
internal static class RowExtensions
{
    /// <summary>More coupons than any row has claims.</summary>
    public const int NeverSoldOut = 100_000_000;

    /// <summary>The result of a row that ends now.</summary>
    public static RowResult Result(this IRow row, params IReadOnlyList<Figure> figures) => new(row.Name, row.Title, TimeProvider.System.GetUtcNow(), 0, figures);
}

/// <summary>All rows, in the order in which they are measured.</summary>
internal static class RowList
{
    public static readonly IReadOnlyList<IRow> All =
    [
        new DoorRow(), new SoldOutRow(), new DecideRow(), new LedgerRow(), new SustainedRow(), new IdleRow(), new OverloadRow(), new TwoProcessesRow(), new StartRow(), new MemoryRow(),
        new EnginesRow(),
    ];

    /// <summary>Those of a run that names none: without the one that not every build can measure.</summary>
    public static readonly IReadOnlyList<IRow> Usual = [.. All.Where(r => r is not EnginesRow)];
}
