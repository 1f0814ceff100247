using System.Diagnostics;
using System.Globalization;

namespace FlashSale.Simulation;

/// <summary>Runs seeds for somebody who watches.</summary>
internal sealed class SeedRunner(TextWriter output, TextWriter error)
{
    public int RunOne(ulong seed, bool trace)
    {
        var result = Run.Execute(seed, trace ? output : null);
        if (result.Invariant is not null)
            return Tell(result, trace);
        output.WriteLine($"seed {seed} passes: no invariant is violated ({result.Steps} steps, trace {result.Hash:x16})");
        return ExitCodes.Ok;
    }

    public int RunMany(ulong from, int count, CancellationToken stop)
    {
        var range = new SeedRange(from, count);
        var watch = Stopwatch.StartNew();
        range.Run(stop, () => error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"simulate: {range.Ran} of {count} seeds, {range.Ran / watch.Elapsed.TotalSeconds:F0}/s")));
        var took = string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds:F1} s ({range.Ran / watch.Elapsed.TotalSeconds:F0} seeds/s on {Environment.ProcessorCount} cores)");
        if (range.Failed is { } failed)
            return Tell(failed, traced: false);
        if (stop.IsCancellationRequested)
        {
            output.WriteLine($"interrupted: {range.Ran} of {count} seeds from {from} on were run in {took}, no invariant was violated");
            return ExitCodes.Interrupted;
        }

        output.WriteLine($"{count} seeds from {from} on: no invariant was violated, in {took}");
        return ExitCodes.Ok;
    }

    private int Tell(RunResult failed, bool traced)
    {
        if (!traced)
        {
            foreach (var line in failed.LastSteps)
                output.WriteLine(line);
        }

        output.WriteLine($"seed {failed.Seed} violates {failed.Invariant}: {failed.Message}");
        output.WriteLine($"replay: scripts/simulate.sh --seed {failed.Seed} --trace");
        return ExitCodes.Violated;
    }
}
