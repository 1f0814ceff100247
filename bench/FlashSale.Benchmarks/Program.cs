using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BenchmarkDotNet.Loggers;
using FlashSale.Benchmarks;
using Spectre.Console;

// bench.sh's other half: runs benchmarks and prints one table, or compares with the baseline.
const double Tolerance = 1.25;
const int NotComparable = 3;

// A narrow guess for pipes and files would break names in two, and colours are noise there.
if (Console.IsOutputRedirected)
{
    AnsiConsole.Profile.Width = 120;
    AnsiConsole.Profile.Capabilities.Ansi = false;
}

var filter = new Argument<string?>("filter") { Arity = ArgumentArity.ZeroOrOne, Description = "Only benchmarks whose name (Class.Method(parameters)) contains this." };
var check = new Option<bool>("--check") { Description = "Compare the stable ones with the baseline. Exit code 1 where one is over the tolerance, 3 where the baseline is of other processors." };
var rebase = new Option<bool>("--write-baseline") { Description = "Measure the stable ones and write the baseline." };
var baselineFile = new Option<string>("--baseline") { Description = "The baseline's file.", DefaultValueFactory = _ => "bench/baseline.json" };
var logFile = new Option<string>("--log") { Description = "Where BenchmarkDotNet's own output goes.", DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "flashsale-bench.log") };
var audit = new Option<long?>("--audit") { Description = "Audit a log of so many commands, made while it is read: speed, and the most memory.", HelpName = "COMMANDS" };
audit.Validators.Add(result =>
{
    if (result.Tokens.Count == 1 && long.TryParse(result.Tokens[0].Value, out var value) && value is < 10_000 or > 4_000_000_000)
        result.AddError($"--audit must be between 10,000 and 4,000,000,000, not {result.Tokens[0].Value}");
});
var root = new RootCommand("Benchmarks of FlashSale, each beside a twin that does the least that anybody could do.") { filter, check, rebase, baselineFile, logFile, audit };
root.SetAction(async (parsed, _) =>
{
    if (parsed.GetValue(audit) is { } commands)
        return await LongAudit.RunAsync(commands);
    using var log = new StreamLogger(parsed.GetValue(logFile)!);
    try
    {
        if (parsed.GetValue(rebase))
            return Rebase(parsed.GetValue(baselineFile)!);
        return parsed.GetValue(check) ? Check(parsed.GetValue(baselineFile)!) : Run(parsed.GetValue(filter), log);
    }
    catch (InvalidOperationException e)
    {
        return Fail($"{e.Message}: {parsed.GetValue(logFile)}");
    }
});
return root.Parse(args).Invoke();

static int Run(string? filter, StreamLogger log)
{
    var classes = Runner.Classes.Where(t => Matches(t, filter)).ToList();
    if (classes.Count == 0)
        return Fail($"no benchmark's name contains '{filter}'; there are {string.Join(", ", Runner.Classes.Select(t => t.Name))}");
    if (classes.Exists(t => !Runner.IsStable(t)) && Servers.Missing() is { } missing)
        return Fail(missing);

    var table = new Table().AddColumns("benchmark", "one operation", "to its twin", "allocated");
    foreach (var type in classes)
    {
        AnsiConsole.WriteLine($"bench: {type.Name}");
        foreach (var one in Runner.Run(type, type.Name.Contains(filter ?? "", StringComparison.OrdinalIgnoreCase) ? null : filter, log))
        {
            table.AddRow(Markup.Escape(one.Name), Duration(one.Nanoseconds), one.IsTwin ? "twin" : one.Ratio.ToString("F2", CultureInfo.InvariantCulture),
                one.Bytes is { } bytes ? $"{bytes:N0} B" : "");
        }
    }

    AnsiConsole.Write(table);
    return 0;
}

static int Check(string file)
{
    if (Read(file) is not { } baseline)
        return 2;
    if (!baseline.Processors.TryGetValue(Baseline.ProcessorHere, out var before))
    {
        Console.Error.WriteLine($"not compared: {file} is of '{string.Join("' and '", baseline.Processors.Keys)}', this is '{Baseline.ProcessorHere}'; add it with --write-baseline");
        return NotComparable;
    }

    var regressions = RegressionCheck.Run(before, baseline.Tolerance);
    regressions.ForEach(Console.Error.WriteLine);
    AnsiConsole.WriteLine(regressions.Count == 0 ? $"no ratio is more than {baseline.Tolerance:F2} times that of before" : $"{regressions.Count} slower than before");
    return regressions.Count == 0 ? 0 : 1;
}

// The figures of other processors stay as they are.
static int Rebase(string file)
{
    var baseline = File.Exists(file) ? Read(file) : new Baseline(Tolerance, new(StringComparer.Ordinal));
    if (baseline is null)
        return 2;
    baseline.Processors[Baseline.ProcessorHere] = RegressionCheck.Measure();
    baseline.Write(file);
    AnsiConsole.WriteLine($"written: {file}");
    return 0;
}

static Baseline? Read(string file)
{
    try
    {
        return Baseline.Read(file);
    }
    catch (FileNotFoundException)
    {
        Fail($"there is no baseline {file}: write one with scripts/bench.sh --write-baseline");
        return null;
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
    {
        Fail($"the baseline {file} cannot be read ({e.Message}); mend or remove it, then write one with --write-baseline");
        return null;
    }
}

static bool Matches(Type type, string? filter) =>
    filter is null || type.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)
    || type.GetMethods().Any(m => $"{type.Name}.{m.Name}".Contains(filter.Split('(')[0], StringComparison.OrdinalIgnoreCase));

static int Fail(string message)
{
    Console.Error.WriteLine(message);
    return 2;
}

static string Duration(double nanoseconds) => nanoseconds switch
{
    < 1_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds:F0} ns"),
    < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1_000:F1} µs"),
    _ => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1_000_000:F2} ms"),
};
