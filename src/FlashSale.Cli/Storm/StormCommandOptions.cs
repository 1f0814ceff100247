using System.CommandLine;
using System.CommandLine.Parsing;
using System.Security.Cryptography;
using FlashSale.Cli.Storm.Searching;

namespace FlashSale.Cli.Storm;

/// <summary>The options of <c>flashsale storm</c> as the parser knows them.</summary>
internal sealed class StormCommandOptions
{
    // Up to so many claims a second every decision is asked for while the storm runs, above that a tenth.
    private const double AskAllUpToRate = 2000;
    private const double SampleAbove = 0.1;
    private const double RateDefault = 1000;
    private const int UsersDefault = 10_000;
    private const double DurationMax = 86_400;
    private const double SpikeDurationDefault = 30;
    private const double SoakDurationDefault = 600;
    private const double StepSecondsDefault = 10;

    // The first fifth of a step is its warm-up.
    private const double StepWarmUpShare = 0.2;

    private readonly Option<string[]> _url = new("--url") { Description = "Address of a server; several are used in turn. Default: FLASHSALE_URL, else http://127.0.0.1:8080.", HelpName = "URL" };
    private readonly Option<string[]> _campaign = new("--campaign") { Description = "Campaign to claim in; users are spread over several.", HelpName = "ID", Required = true };
    private readonly Option<int?> _openQuantity = new("--open-quantity") { Description = "Open each campaign first, or change it, to so many coupons, one per user. Without it the campaigns must exist.", HelpName = "N" };
    private readonly Option<int?> _users = new("--users") { Description = "Number of users who claim (default 10000).", HelpName = "N" };
    private readonly Option<Profile> _profile = new("--profile")
    {
        Description = "constant: claims at --rate. spike: a real sale, four fifths of the users in the first two seconds, the others in a tail that thins out until --duration (30). "
            + "mixed: as constant, and everybody accepted waits for the decision. soak: as constant, for --duration (600).",
        DefaultValueFactory = _ => Profile.Constant,
    };
    private readonly Option<double?> _rate = new("--rate") { Description = "Claims per second (default 1000).", HelpName = "N" };
    private readonly Option<double?> _ramp = new("--ramp") { Description = "Let the rate rise from nothing to --rate within so many seconds.", HelpName = "SECONDS" };
    private readonly Option<int?> _closedLoop = new("--closed-loop") { Description = "Instead of a rate: so many callers on a connection each, who claim again as soon as they are answered.", HelpName = "N" };
    private readonly Option<bool> _findRate = new("--find-rate") { Description = "Find the highest rate whose p99 of the 202 is within --p99, beginning at --rate: twice the rate until a step fails, then halving the distance down to 5%." };
    private readonly Option<double?> _p99 = new("--p99") { Description = "What the p99 of the 202 may be; the exit code is 1 where it is above.", HelpName = "MILLISECONDS" };
    private readonly Option<double?> _stepSeconds = new("--step-seconds") { Description = "How long each step of --find-rate is measured, after a fifth of it as warm-up (default 10).", HelpName = "SECONDS" };
    private readonly Option<bool> _http2 = new("--http2") { Description = "HTTP/2 without TLS, for a listener that speaks nothing else; up to 100 claims share a connection." };
    private readonly Option<bool> _ceiling = new("--ceiling") { Description = "First measure what this generator reaches against a server that does nothing, for comparison." };
    private readonly Option<double?> _duration = new("--duration") { Description = "Seconds of claims, in place of --users; with --profile spike beside it.", HelpName = "SECONDS" };
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
    private readonly Option<string?> _svg = new("--svg") { Description = "Also draw rate and latency over time into this file.", HelpName = "FILE" };
    private readonly Option<string?> _json = new("--json") { Description = "Also write the report to this file as JSON.", HelpName = "FILE" };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_url, _campaign, _openQuantity, _users, _rate, _duration, _profile, _ramp, _closedLoop, _repeatShare, _warmUp, _findRate, _p99, _stepSeconds,
            _decisionSample, _userPrefix, _apiKey, _seed, _spacing, _connections, _waitConnections, _http2, _retryUnknown, _noSettleEvery, _settleTimeout, _ceiling, _told, _json, _svg])
        {
            command.Options.Add(option);
        }
        command.Validators.Add(CheckCombinations);
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
        Profile profile = parsed.GetValue(_profile);
        double repeatShare = parsed.GetValue(_repeatShare);
        var warmUp = TimeSpan.FromSeconds(parsed.GetValue(_warmUp));
        int? closedLoop = InRange(parsed, _closedLoop, 1, 10_000);
        double? duration = ReadDuration(parsed, profile);
        var ramp = TimeSpan.FromSeconds(InRange(parsed, _ramp, 0.1, DurationMax) ?? 0);
        LoadCurve curve = ReadCurve(parsed, profile, closedLoop, ramp, duration, repeatShare);
        return new StormOptions
        {
            Urls = parsed.GetValue(_url) is { Length: > 0 } urls ? urls : [SharedOptions.DefaultUrl],
            Campaigns = campaigns,
            OpenQuantity = InRange(parsed, _openQuantity, 1, 100_000_000),
            Profile = profile,
            Curve = curve,
            Ramp = ramp,
            ClosedLoop = closedLoop,
            ClosedLoopLength = closedLoop is null || duration is null ? null : warmUp + TimeSpan.FromSeconds(duration.Value),
            Users = ReadUsers(parsed, profile, curve, warmUp, duration, repeatShare),
            RepeatShare = repeatShare,
            WarmUp = warmUp,
            DecisionSample = InRange(parsed, _decisionSample, 0, 1) ?? (profile == Profile.Mixed || (closedLoop is null && curve.RateMax <= AskAllUpToRate) ? 1 : SampleAbove),
            UserPrefix = prefix,
            ApiKey = SharedOptions.ReadApiKey(parsed, _apiKey),
            Seed = parsed.GetValue(_seed),
            Spacing = parsed.GetValue(_spacing),
            Connections = parsed.GetValue(_connections),
            WaitConnections = parsed.GetValue(_waitConnections),
            Http2 = parsed.GetValue(_http2),
            RetryUnknown = parsed.GetValue(_retryUnknown),
            SettleEvery = !parsed.GetValue(_noSettleEvery),
            SettleTimeout = TimeSpan.FromSeconds(parsed.GetValue(_settleTimeout)),
            P99Limit = InRange(parsed, _p99, 0.1, 60_000) is { } limit ? TimeSpan.FromMilliseconds(limit) : null,
            Ceiling = parsed.GetValue(_ceiling),
            ToldFile = parsed.GetValue(_told),
            JsonFile = parsed.GetValue(_json),
            SvgFile = parsed.GetValue(_svg),
        };
    }

    /// <summary>How the highest rate is to be searched for; null where it is not.</summary>
    public RateSearchSettings? ReadSearch(ParseResult parsed, StormOptions options)
    {
        if (!parsed.GetValue(_findRate))
            return null;
        var step = TimeSpan.FromSeconds(InRange(parsed, _stepSeconds, 0.5, 600) ?? StepSecondsDefault);
        return new RateSearchSettings(options.Curve.RateMax, step, step * StepWarmUpShare, options.P99Limit!.Value);
    }

    private void CheckCombinations(CommandResult result)
    {
        // By its text: a value that is no profile is reported already.
        bool spike = result.GetResult(_profile)?.Tokens is [{ Value: { } name }] && name.Equals(nameof(Profile.Spike), StringComparison.OrdinalIgnoreCase);
        if (spike && Given(_rate))
            result.AddError("--profile spike takes its rate from --users.");
        if (spike)
            Exclude("--profile spike", _ramp, _warmUp, _closedLoop, _findRate);
        else if (Given(_users))
            Exclude("--users", _duration);
        if (Given(_closedLoop))
            Exclude("--closed-loop", _rate, _ramp, _spacing, _connections, _findRate);
        if (Given(_findRate))
            Exclude("--find-rate", _profile, _users, _duration, _warmUp, _ramp, _told);
        if (Given(_findRate) && !Given(_p99))
            result.AddError("--find-rate needs --p99.");
        if (Given(_stepSeconds) && !Given(_findRate))
            result.AddError("--step-seconds goes with --find-rate.");

        bool Given(Option option) => result.GetResult(option) is { Implicit: false };

        void Exclude(string name, params Option[] others)
        {
            foreach (Option other in others.Where(Given))
                result.AddError($"{name} and {other.Name} exclude each other.");
        }
    }

    private double? ReadDuration(ParseResult parsed, Profile profile)
    {
        double? seconds = parsed.GetValue(_duration);
        if (seconds is { } given && !(given > 0 && given <= DurationMax))
            throw new CliException($"--duration must be between 0 and {DurationMax:N0} seconds, not {given}.");
        if (profile == Profile.Spike && seconds < LoadCurve.SpikeSecondsMin)
            throw new CliException($"--duration: a spike needs at least {LoadCurve.SpikeSecondsMin:0} seconds.");
        bool users = parsed.GetResult(_users) is not null;
        return seconds ?? profile switch { Profile.Spike => SpikeDurationDefault, Profile.Soak when !users => SoakDurationDefault, _ => null };
    }

    private LoadCurve ReadCurve(ParseResult parsed, Profile profile, int? closedLoop, TimeSpan ramp, double? duration, double repeatShare)
    {
        if (profile == Profile.Spike)
        {
            var spike = LoadCurve.Spike(Schedule.ClaimsOf(ReadUsers(parsed), repeatShare), TimeSpan.FromSeconds(duration!.Value));
            return spike.RateMax <= StormOptions.RateMax ? spike : throw new CliException($"--users: a spike of so many has more than {StormOptions.RateMax:N0} claims per second.");
        }
        double rate = closedLoop is null ? InRange(parsed, _rate, 0.01, StormOptions.RateMax) ?? RateDefault : ClosedLoop.RateMax;
        return ramp > TimeSpan.Zero ? LoadCurve.Ramp(rate, ramp) : LoadCurve.Constant(rate);
    }

    private int ReadUsers(ParseResult parsed) => InRange(parsed, _users, 1, StormOptions.UsersMax) ?? UsersDefault;

    private int ReadUsers(ParseResult parsed, Profile profile, LoadCurve curve, TimeSpan warmUp, double? duration, double repeatShare)
    {
        if (profile == Profile.Spike)
            return ReadUsers(parsed);
        if (duration is null)
            return ReadUsers(parsed) + (warmUp > TimeSpan.Zero && parsed.GetValue(_closedLoop) is null ? Schedule.UsersFor(curve.ClaimsBy(warmUp), repeatShare) : 0);
        int users = Schedule.UsersFor(curve.ClaimsBy(warmUp + TimeSpan.FromSeconds(duration.Value)), repeatShare);
        // A closed loop does not claim so often; it ends when nobody is left.
        if (parsed.GetValue(_closedLoop) is not null)
            return Math.Min(users, StormOptions.UsersMax);
        return users <= StormOptions.UsersMax ? users : throw new CliException($"--duration: more than {StormOptions.UsersMax:N0} users at this rate.");
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
