namespace FlashSale.Chaos;

/// <summary>The run cannot begin or go on, for a reason that fits in a line or two; shown without a stack trace.</summary>
internal sealed class ChaosException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What the process answers to its caller.</summary>
internal static class ExitCodes
{
    public const int Exact = 0;
    public const int Violations = 1;
    public const int CouldNotRun = 2;
    public const int Interrupted = 130;
}
