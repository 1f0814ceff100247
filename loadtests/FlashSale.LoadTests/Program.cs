using FlashSale.LoadTests;
using NBomber.CSharp;

// loadtests SCENARIO [NBOMBER-ARGUMENT...]; exit code: 0 all thresholds held, 1 one did not, 2 it could not run.
LoadSettings settings;
try
{
    settings = LoadSettings.Read(args, Environment.GetEnvironmentVariable);
}
catch (FormatException e)
{
    await Console.Error.WriteLineAsync($"loadtests: {e.Message}");
    return 2;
}

using var sale = new Sale(settings);
try
{
    await sale.OpenAsync();
}
catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
{
    await Console.Error.WriteLineAsync($"loadtests: {settings.Url} does not open the campaign: {e.Message}");
    return 2;
}

var result = NBomberRunner
    .RegisterScenarios(Scenarios.Create(settings, sale))
    .WithTestSuite("flashsale")
    .WithTestName(settings.Scenario)
    .WithReportFolder("reports")
    .Run(settings.NBomberArguments);

var failed = result.Thresholds.Count(t => t.IsFailed);
var oversold = await sale.IsOversoldAsync();
Console.WriteLine($"{settings.Scenario}: {result.Thresholds.Length - failed} of {result.Thresholds.Length} thresholds held{(oversold ? "; OVERSOLD" : "")}");
return failed == 0 && !oversold ? 0 : 1;
