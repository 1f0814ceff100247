using FlashSale.Core.Log;
using FlashSale.Simulation.Chaos;
using FlashSale.Simulation.Clients;
using FlashSale.Simulation.Oracle;

namespace FlashSale.Simulation;

/// <summary>What a run has come to.</summary>
/// <param name="Hash">The same for two runs that have done the same.</param>
/// <param name="Invariant">The invariant that was violated, or null.</param>
/// <param name="Steps">Continuations run.</param>
/// <param name="LastSteps">The end of the trace.</param>
internal sealed record RunResult(ulong Seed, ulong Hash, string? Invariant, string? Message, long Steps, IReadOnlyCollection<string> LastSteps);

/// <summary>One run of the simulation: people and faults for a while, then quiet, then everything must be exact.</summary>
internal sealed class Run
{
    private static readonly TimeSpan StormMax = TimeSpan.FromSeconds(60);

    /// <summary>Within which the lag must be gone: the longest pauses of all parts one after the other, and as much again.</summary>
    private static readonly TimeSpan QuietMax = TimeSpan.FromSeconds(90);

    private readonly World _world;
    private readonly Storm _storm;
    private readonly Adversary _adversary;

    private Run(ulong seed, TextWriter? output)
    {
        _world = new World(seed, output);
        _storm = new Storm(_world);
        _adversary = new Adversary(_world);
    }

    /// <summary>Runs a seed on the calling thread.</summary>
    public static RunResult Execute(ulong seed, TextWriter? output = null)
    {
        var before = SynchronizationContext.Current;
        var run = new Run(seed, output);
        try
        {
            run.Execute();
            return run.Result(seed, null, null);
        }
        catch (ViolationException violation)
        {
            return run.Result(seed, violation.Invariant, violation.Message);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private RunResult Result(ulong seed, string? invariant, string? message) =>
        new(seed, _world.TraceHash, invariant, message, _world.Scheduler.Steps, _world.LastSteps);

    private void Execute()
    {
        for (var p = 0; p < _world.Partitions; p++)
            _world.Log.Append(MachineTopics.Coupon.Commands, p, _world.Genesis(p, _world.LogId).Encode());
        for (var nodes = _world.Random.Between(2, 3); nodes > 0; nodes--)
            _world.StartNode();
        _world.Domain.Start(_world.Machines.RunAsync);
        _world.Domain.Start(_world.Ledgers.RunAsync);
        _storm.Start();
        _adversary.Start();
        _world.Scheduler.Run(() => _storm.IsOver, StormMax);

        _adversary.End();
        var deadline = _world.Scheduler.Now + QuietMax;
        // Effects that were slow when the faults ended are still under way, and hold up what is asked behind them.
        _world.Scheduler.Run(static () => false, _world.Scheduler.Now + FaultPlan.SlowMax);
        _world.Scheduler.Run(() => _storm.IsOver && Lag.Of(_world) is null, deadline);
        if (Lag.Of(_world) is { } lag)
            throw new ViolationException("I9", lag);
        if (!_storm.IsOver)
            throw new ViolationException("I9", "a request is not answered");

        // Everybody looks at his tickets once more, at every door.
        _storm.StartLastLook();
        _world.Scheduler.Run(() => _storm.IsOver && Lag.Of(_world) is null, deadline + QuietMax);
        // An append that came late may have made a lag again.
        if (Lag.Of(_world) is { } again)
            throw new ViolationException("I9", again);
        FinalChecks.Run(_world);
    }
}
