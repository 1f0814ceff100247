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

    [Fact]
    public async Task Announce_SaysWhatWouldBeMeasuredAndNeedsNoServer()
    {
        var (output, before) = (new StringWriter(), Console.Out);
        Console.SetOut(output);
        try
        {
            Assert.Equal(ExitCodes.Ok, await MeasureCommand.RunAsync(["--announce", "--only=idle,door", "--quick"]));
        }
        finally
        {
            Console.SetOut(before);
        }

        Assert.Matches("^measure: door, idle: about [23] minutes; quick: shows that it works, its figures mean little$", output.ToString().TrimEnd());
    }
}
