using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FlashSale.Simulation;

/// <summary>What the process answers to its caller.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int Violated = 1;
    public const int CouldNotRun = 2;
    public const int Interrupted = 130;
}

/// <summary>The command line: many seeds, one seed, or the defences.</summary>
internal static class CommandLine
{
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var seeds = new Option<int?>("--seeds") { Description = "How many seeds to run.", HelpName = "N" };
        var from = new Option<ulong>("--from") { Description = "The first of them.", HelpName = "S", DefaultValueFactory = _ => 1 };
        var seed = new Option<ulong?>("--seed") { Description = "Runs this one alone.", HelpName = "S" };
        var trace = new Option<bool>("--trace") { Description = "With --seed: prints every step." };
        var defences = new Option<bool>("--defences") { Description = "Takes the defences away, one at a time, and shows which seed finds it out." };
        var only = new Option<string?>("--only") { Description = "With --defences: those whose name contains this.", HelpName = "TEXT" };
        seeds.Validators.Add(r => Check(r, r.Tokens.Count == 0 || int.TryParse(r.Tokens[0].Value, CultureInfo.InvariantCulture, out var n) && n > 0, "--seeds needs a whole number above 0"));
        from.Validators.Add(r => Check(r, r.Tokens.Count == 0 || ulong.TryParse(r.Tokens[0].Value, CultureInfo.InvariantCulture, out _), "--from needs a whole number"));
        seed.Validators.Add(r => Check(r, r.Tokens.Count == 0 || ulong.TryParse(r.Tokens[0].Value, CultureInfo.InvariantCulture, out _), "--seed needs a whole number"));
        var root = new RootCommand("Runs FlashSale against simulated servers and seeded faults, and checks that it is exact (docs/exactness.md).") { seeds, from, seed, trace, defences, only };
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            // A number that is none gives two errors; ours says what is needed.
            var told = parsed.Errors.FirstOrDefault(e => e.Message.StartsWith("--", StringComparison.Ordinal)) ?? parsed.Errors[0];
            error.WriteLine($"simulate: {told.Message.ReplaceLineEndings(" ").TrimEnd('.')} (see: simulate --help)");
            return ExitCodes.CouldNotRun;
        }

        root.SetAction(result =>
        {
            using var stop = new CancellationTokenSource();
            Console.CancelKeyPress += (_, pressed) =>
            {
                pressed.Cancel = true;
                stop.Cancel();
            };
            if (result.GetValue(seed) is { } one)
                return new SeedRunner(output, error).RunOne(one, result.GetValue(trace));
            if (result.GetValue(seeds) is { } count)
                return new SeedRunner(output, error).RunMany(result.GetValue(from), count, stop.Token);
            error.WriteLine("simulate: --seeds N, --seed S or --defences is needed (see: simulate --help)");
            return ExitCodes.CouldNotRun;
        });
        return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, ProcessTerminationTimeout = null });
    }

    private static void Check(OptionResult result, bool isValid, string message)
    {
        if (!isValid)
            result.AddError($"{message}, not '{result.Tokens[0].Value}'");
    }
}
