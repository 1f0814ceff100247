namespace FlashSale.Measure.Tests;

[Collection(nameof(Console))]
public sealed class CommandTests
{
    [Theory]
    [InlineData("--only=door,speed", "measure: there is no row 'speed'; there are door, sold-out, decide, ledger, sustained, idle, overload, two-processes, start, memory, engines")]
    [InlineData("--only=,", "measure: there is no row ''; there are door, sold-out, decide, ledger, sustained, idle, overload, two-processes, start, memory, engines")]
    [InlineData("--quick", "measure: FLASHSALE_KAFKA, FLASHSALE_REDIS and FLASHSALE_MYSQL must be set: scripts/measure.sh starts the servers and sets them")]
    [InlineData("--fast", "measure: Unrecognized command or argument '--fast' (see --help)")]
    public async Task CannotRun_IsOneLine(string argument, string expected)
    {
        var (errors, before) = (new StringWriter(), Console.Error);
        Console.SetError(errors);
        try
        {
            Assert.Equal(ExitCodes.CouldNotRun, await MeasureCommand.RunAsync([argument]));
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.Equal(expected, errors.ToString().TrimEnd());
    }
}
