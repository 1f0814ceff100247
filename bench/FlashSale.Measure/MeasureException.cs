namespace FlashSale.Measure;

/// <summary>Something cannot be measured, for a reason that fits in a line; shown without a stack trace.</summary>
internal sealed class MeasureException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What the process answers to its caller.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>A row did not come to its figures.</summary>
    public const int Incomplete = 1;
    public const int CouldNotRun = 2;
    public const int Interrupted = 130;
}
