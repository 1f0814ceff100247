using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using FlashSale.Cli.Ledger;
using FlashSale.MySql;
using Spectre.Console;

namespace FlashSale.Cli.Storm;

/// <summary>flashsale storm</summary>
internal static class StormCommand
{
    // Up to so many claims a second every decision is asked for while the storm runs, above that a tenth.
    private const double AskAllUpToRate = 2000;
    private const double SampleAbove = 0.1;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Create()
    {
        var options = new StormCommandOptions();
        Option<string?> ledger = LedgerConnection.Option();
        var command = new ExampleCommand(
            "storm",
            "Claims coupons in open loop: claims are sent when they are due, whatever became of the earlier ones. Then asks for every "
            + "decision and says whether the sale was exact. Exit code: 0 exact, 1 not exact, 2 could not run, 130 interrupted.",
            "flashsale storm --campaign spring --open-quantity 1000 --users 50000 --rate 10000",
            "flashsale storm --campaign spring --open-quantity 1000000 --rate 10000 --duration 60 --warm-up 10 --json storm.json",
            "flashsale storm --campaign a --campaign b --open-quantity 500 --users 20000 --rate 5000 --url http://127.0.0.1:8080 --url http://127.0.0.1:8081",
            "flashsale storm --campaign spring --open-quantity 40000 --users 60000 --rate 5000 --retry-unknown   (while the server is being killed)");
        options.AddTo(command);
        command.Options.Add(ledger);
        command.SetAction(async (parsed, cancellation) =>
        {
            using MySqlLedger? database = LedgerConnection.Open(parsed, ledger);
            ILedgerCheck? check = database is null ? null : new LedgerCheck(new LedgerQueries(database), TimeProvider.System);
            return await RunAsync(parsed, options.Read(parsed), check, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, StormOptions options, ILedgerCheck? ledger, CancellationToken cancellation)
    {
        TextWriter output = parsed.InvocationConfiguration.Output;
        SharedOptions.CheckWritable("--json", options.JsonFile);
        SharedOptions.CheckWritable("--told", options.ToldFile);
        var run = new StormRun(options, CreateView(output), ledger, TimeProvider.System);
        StormReport report = await run.RunAsync(cancellation);
        await output.WriteAsync(StormReportText.Format(report));
        if (options.JsonFile is not null)
            await File.WriteAllTextAsync(options.JsonFile, JsonSerializer.Serialize(report, Json), CancellationToken.None);
        if (report.Interrupted)
            return ExitCodes.Interrupted;
        return report.Verdict is { Exact: true } ? ExitCodes.Ok : ExitCodes.NotExact;
    }

    private static IProgressView CreateView(TextWriter output)
    {
        bool terminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;
        return terminal ? new LiveProgress(AnsiConsole.Console) : new LineProgress(output);
    }

    /// <summary>The options as the parser knows them.</summary>
    private sealed class StormCommandOptions
    {
        private readonly Option<string[]> _url = new("--url") { Description = "Address of a server; several are used in turn. Default: FLASHSALE_URL, else http://127.0.0.1:8080.", HelpName = "URL" };
        private readonly Option<string[]> _campaign = new("--campaign") { Description = "Campaign to claim in; users are spread over several.", HelpName = "ID", Required = true };
        private readonly Option<int?> _openQuantity = new("--open-quantity") { Description = "Open each campaign first, or change it, to so many coupons, one per user. Without it the campaigns must exist.", HelpName = "N" };
        private readonly Option<int?> _users = new("--users") { Description = "Number of users who claim (default 10000).", HelpName = "N" };
        private readonly Option<double> _rate = new Option<double>("--rate") { Description = "Claims per second.", DefaultValueFactory = _ => 1000, HelpName = "N" }.Between(0.01, StormOptions.RateMax);
        private readonly Option<double?> _duration = new("--duration") { Description = "Seconds of claims, in place of --users.", HelpName = "SECONDS" };
        private readonly Option<double> _repeatShare = new Option<double>("--repeat-share") { Description = "Share of users who claim a second time at a random later moment.", DefaultValueFactory = _ => 0.05, HelpName = "SHARE" }.Between(0, 1);
        private readonly Option<double> _warmUp = new Option<double>("--warm-up") { Description = "Seconds of claims before those whose latencies count; their outcomes do count. Their users come on top.", DefaultValueFactory = _ => 0, HelpName = "SECONDS" }.Between(0, 3600);
        private readonly Option<double?> _decisionSample = new("--decision-sample") { Description = "Share of accepted claims whose decision is awaited while the storm runs, for its latency. Default 1 up to 2,000 claims/s, else 0.1.", HelpName = "SHARE" };
        private readonly Option<string?> _userPrefix = new("--user-prefix") { Description = "Users are called PREFIX-0, PREFIX-1 ...; must be new for each storm. Default: random.", HelpName = "PREFIX" };
        private readonly Option<string?> _apiKey = SharedOptions.ApiKey();
        private readonly Option<int> _seed = new("--seed") { Description = "Decides who repeats and when.", DefaultValueFactory = _ => 1, HelpName = "N" };
        private readonly Option<Spacing> _spacing = new("--spacing") { Description = "Send times: evenly spaced, or at random as a Poisson process.", DefaultValueFactory = _ => Spacing.Even };
        private readonly Option<int> _connections = new Option<int>("--connections") { Description = "Most connections for claims; opened as they are needed.", DefaultValueFactory = _ => 512, HelpName = "N" }.Between(1, 10_000);
        private readonly Option<int> _waitConnections = new Option<int>("--wait-connections") { Description = "Most connections on which decisions are awaited while the storm runs.", DefaultValueFactory = _ => 2000, HelpName = "N" }.Between(1, 10_000);
        private readonly Option<bool> _retryUnknown = new("--retry-unknown") { Description = "Repeat claims without an answer with the same Idempotency-Key until there is one." };
        private readonly Option<bool> _noSettleEvery = new("--no-settle-every") { Description = "At the end, do not ask for the decisions that were not in the sample." };
        private readonly Option<double> _settleTimeout = new Option<double>("--settle-timeout") { Description = "Give up when so many seconds bring nothing new.", DefaultValueFactory = _ => 60, HelpName = "SECONDS" }.Between(1, 3600);
        private readonly Option<string?> _told = new("--told") { Description = "Record each answer in this file, for flashsale audit --told.", HelpName = "FILE" };
        private readonly Option<string?> _json = new("--json") { Description = "Also write the report to this file as JSON.", HelpName = "FILE" };

        public void AddTo(Command command)
        {
            foreach (Option option in (Option[])[_url, _campaign, _openQuantity, _users, _rate, _duration, _repeatShare, _warmUp, _decisionSample, _userPrefix,
                _apiKey, _seed, _spacing, _connections, _waitConnections, _retryUnknown, _noSettleEvery, _settleTimeout, _told, _json])
            {
                command.Options.Add(option);
            }
            command.Validators.Add(result =>
            {
                if (result.GetResult(_users) is not null && result.GetResult(_duration) is not null)
                    result.AddError("--users and --duration exclude each other.");
            });
        }

        public StormOptions Read(ParseResult parsed)
        {
            string[] campaigns = parsed.GetValue(_campaign)!;
            if (Array.Find(campaigns, id => !SharedOptions.IsId(id)) is { } bad)
                throw new CliException($"--campaign: {SharedOptions.DescribeId(bad)}");
            if (campaigns.Distinct(StringComparer.Ordinal).Count() < campaigns.Length)
                throw new CliException("--campaign: the same campaign twice.");
            string prefix = parsed.GetValue(_userPrefix) ?? "s" + RandomNumberGenerator.GetHexString(10, lowercase: true);
            // A dash and up to eight digits follow.
            if (!SharedOptions.IsId(prefix, lengthMax: 50))
                throw new CliException($"--user-prefix: '{prefix}' is not 1 to 50 characters of A-Z a-z 0-9 _ . : -");
            double rate = parsed.GetValue(_rate);
            double repeatShare = parsed.GetValue(_repeatShare);
            return new StormOptions
            {
                Urls = parsed.GetValue(_url) is { Length: > 0 } urls ? urls : [SharedOptions.DefaultUrl],
                Campaigns = campaigns,
                OpenQuantity = InRange(parsed, _openQuantity, 1, 100_000_000),
                Users = ReadUsers(parsed, rate, repeatShare),
                Rate = rate,
                RepeatShare = repeatShare,
                WarmUp = TimeSpan.FromSeconds(parsed.GetValue(_warmUp)),
                DecisionSample = InRange(parsed, _decisionSample, 0, 1) ?? (rate <= AskAllUpToRate ? 1 : SampleAbove),
                UserPrefix = prefix,
                ApiKey = SharedOptions.ReadApiKey(parsed, _apiKey),
                Seed = parsed.GetValue(_seed),
                Spacing = parsed.GetValue(_spacing),
                Connections = parsed.GetValue(_connections),
                WaitConnections = parsed.GetValue(_waitConnections),
                RetryUnknown = parsed.GetValue(_retryUnknown),
                SettleEvery = !parsed.GetValue(_noSettleEvery),
                SettleTimeout = TimeSpan.FromSeconds(parsed.GetValue(_settleTimeout)),
                ToldFile = parsed.GetValue(_told),
                JsonFile = parsed.GetValue(_json),
            };
        }

        private int ReadUsers(ParseResult parsed, double rate, double repeatShare)
        {
            int users = InRange(parsed, _users, 1, StormOptions.UsersMax) ?? 10_000;
            if (parsed.GetValue(_duration) is not { } seconds)
                return users;
            if (!(seconds > 0 && seconds <= 86_400))
                throw new CliException($"--duration must be between 0 and 86,400 seconds, not {seconds}.");
            users = Schedule.UsersFor(TimeSpan.FromSeconds(seconds), rate, repeatShare);
            if (users > StormOptions.UsersMax)
                throw new CliException($"--duration: more than {StormOptions.UsersMax:N0} users at this rate.");
            return users;
        }

        private static T? InRange<T>(ParseResult parsed, Option<T?> option, T lowest, T highest)
            where T : struct, IComparable<T>
        {
            T? value = parsed.GetValue(option);
            if (value is { } given && (given.CompareTo(lowest) < 0 || given.CompareTo(highest) > 0))
                throw new CliException($"{option.Name} must be between {lowest:#,0.##} and {highest:#,0.##}, not {given}.");
            return value;
        }
    }
}
