namespace FlashSale.Cli;

/// <summary>A command could not do what was asked, for a reason that fits in one line; shown without a stack trace.</summary>
internal sealed class CliException : Exception
{
    public CliException(string message)
        : base(message)
    {
    }

    public CliException(string message, Exception inner)
        : base(message, inner)
    {
    }
}

/// <summary>What the process answers to its caller.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int NotExact = 1;
    public const int CouldNotRun = 2;
    public const int Interrupted = 130;
}
