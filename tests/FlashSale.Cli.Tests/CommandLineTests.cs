using FlashSale.Cli.Tests.Storm;

namespace FlashSale.Cli.Tests;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("storm", "Option '--campaign' is required")]
    [InlineData("storm --campaign a --rate 0", "--rate must be between 0.01 and 1,000,000, not 0")]
    [InlineData("storm --campaign a --rate fast", "--rate needs a number, not 'fast'")]
    [InlineData("storm --campaign a --users 0", "--users must be between 1 and 20,000,000, not 0")]
    [InlineData("storm --campaign a --users 5 --duration 5", "--users and --duration exclude each other")]
    [InlineData("storm --campaign a --duration -1", "--duration must be between 0 and 86,400 seconds, not -1")]
    [InlineData("storm --campaign a --repeat-share 1.5", "--repeat-share must be between 0 and 1, not 1.5")]
    [InlineData("storm --campaign a --decision-sample 2", "--decision-sample must be between 0 and 1, not 2")]
    [InlineData("storm --campaign a/b", "'a/b' is not an id")]
    [InlineData("storm --campaign a --campaign a", "the same campaign twice")]
    [InlineData("storm --campaign a --user-prefix a_b_{}", "--user-prefix: 'a_b_{}' is not 1 to 50 characters")]
    [InlineData("storm --campaign a --url ftp://x", "'ftp://x' is not a server address")]
    [InlineData("storm --campaign a --url https://localhost", "speaks plain http only")]
    [InlineData("storm --campaign a --json /nowhere/storm.json", "--json /nowhere/storm.json: ")]
    [InlineData("storm --campaign a --spacing odd", "--spacing does not take 'odd'")]
    [InlineData("storm --campaign a --users many", "--users needs a whole number, not 'many'")]
    [InlineData("storm --campaign a --frobnicate", "'--frobnicate'")]
    [InlineData("storm --campaign a --svg /nowhere/storm.svg", "--svg /nowhere/storm.svg: ")]
    [InlineData("storm --campaign a --profile odd", "'odd'")]
    [InlineData("storm --campaign a --profile spike --rate 100", "--profile spike takes its rate from --users")]
    [InlineData("storm --campaign a --profile spike --ramp 5", "--profile spike and --ramp exclude each other")]
    [InlineData("storm --campaign a --profile spike --duration 4", "--duration: a spike needs at least 5 seconds")]
    [InlineData("storm --campaign a --profile spike --users 20000000", "--users: a spike of so many has more than 1,000,000 claims per second")]
    [InlineData("storm --campaign a --ramp 0", "--ramp must be between 0.1 and 86,400, not 0")]
    [InlineData("storm --campaign a --closed-loop 0", "--closed-loop must be between 1 and 10,000, not 0")]
    [InlineData("storm --campaign a --closed-loop 8 --rate 100", "--closed-loop and --rate exclude each other")]
    [InlineData("storm --campaign a --closed-loop 8 --connections 9", "--closed-loop and --connections exclude each other")]
    [InlineData("storm --campaign a --find-rate", "--find-rate needs --p99")]
    [InlineData("storm --campaign a --find-rate --p99 25 --users 5", "--find-rate and --users exclude each other")]
    [InlineData("storm --campaign a --find-rate --p99 25 --profile soak", "--find-rate and --profile exclude each other")]
    [InlineData("storm --campaign a --step-seconds 5", "--step-seconds goes with --find-rate")]
    [InlineData("storm --campaign a --p99 0", "--p99 must be between 0.1 and 60,000, not 0")]
    [InlineData("storm --campaign a --url http://no-such-host.invalid:8080", "http://no-such-host.invalid:8080: ")]
    [InlineData("storm --campaign a --url http://127.0.0.1:8080/shop", "needs an address without a path")]
    [InlineData("storm --campaign a --url 127.0.0.1:8080", "'127.0.0.1:8080' is not a server address")]
    [InlineData("storm ceiling --connections 0", "--connections must be between 1 and 10,000, not 0")]
    [InlineData("storm compare a.json", "Required argument 'AFTER' missing")]
    [InlineData("storm draw a.json", "Option '--svg' is required")]
    [InlineData("campaign open a", "--quantity")]
    [InlineData("campaign open a --quantity 0", "--quantity must be between 1 and 100,000,000, not 0")]
    [InlineData("campaign open a --quantity 5 --per-user 1001", "--per-user must be between 1 and 1,000, not 1001")]
    [InlineData("campaign open a --quantity 5 --discount 10%", "'10%' is neither amount:VALUE nor percent:VALUE")]
    [InlineData("campaign open a --quantity 5 --discount percent:101", "a percentage is at most 100")]
    [InlineData("campaign open a --quantity 5 --opens-at tomorrow", "--opens-at: 'tomorrow' is not an instant")]
    [InlineData("campaign open a --quantity 5 --opens-at 2027-01-02T00:00:00Z --closes-at 2027-01-01T00:00:00Z", "--closes-at must be later than --opens-at")]
    [InlineData("campaign show a/b", "'a/b' is not an id")]
    [InlineData("campaign change a", "nothing to change")]
    [InlineData("storm --campaign a --told /nowhere/told.txt", "--told /nowhere/told.txt: ")]
    [InlineData("audit --campaign a/b --kafka 127.0.0.1:1", "'a/b' is not an id")]
    [InlineData("audit --certificate c.json", "--certificate needs --campaign ID and --key FILE")]
    [InlineData("audit --key k.pem", "--key goes with --certificate or --verify")]
    [InlineData("audit --verify c.json --settled", "--verify checks a certificate against the log alone")]
    [InlineData("audit --json /nowhere/audit.json --kafka 127.0.0.1:1", "--json /nowhere/audit.json: ")]
    [InlineData("audit --verify /nowhere/c.json --kafka 127.0.0.1:1", "--verify /nowhere/c.json: ")]
    [InlineData("audit --campaign a --certificate c.json --key /nowhere/k.pem --kafka 127.0.0.1:1", "--key /nowhere/k.pem: ")]
    [InlineData("audit --kafka 127.0.0.1:1 --redis nonsense", "Redis:Endpoints")]
    [InlineData("campaign", "Required command")]
    [InlineData("campaign lsit", "'lsit'")]
    public async Task Run_BadArguments_AreToldInOneLine(string arguments, string expected)
    {
        StormTests.Result result = await StormTests.RunAsync(arguments.Split(' '));
        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith("flashsale: ", result.Error, StringComparison.Ordinal);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("storm")]
    [InlineData("storm compare")]
    [InlineData("storm draw")]
    [InlineData("storm ceiling")]
    [InlineData("audit")]
    [InlineData("campaign")]
    [InlineData("campaign open")]
    [InlineData("campaign change")]
    [InlineData("campaign close")]
    [InlineData("campaign show")]
    [InlineData("campaign list")]
    public async Task Run_Help_ShowsExamples(string command)
    {
        StormTests.Result result = await StormTests.RunAsync([.. command.Split(' '), "--help"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Examples:", result.Output, StringComparison.Ordinal);
        Assert.Contains($"  flashsale {command}", result.Output, StringComparison.Ordinal);
    }
}
