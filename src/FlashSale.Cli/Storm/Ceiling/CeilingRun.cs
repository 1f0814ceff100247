using System.Diagnostics;
using FlashSale.Cli.Http;

namespace FlashSale.Cli.Storm.Ceiling;

/// <summary>Measures what the generator itself is able to send on this machine.</summary>
internal static class CeilingRun
{
    /// <summary>Enough to keep generator and twin busy, few enough to stay in the caches.</summary>
    public const int Connections = 64;

    private const string Campaign = "ceiling";

    // The code of both is compiled and optimised by then.
    private static readonly TimeSpan UsualWarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan UsualLength = TimeSpan.FromSeconds(4);

    public static Task<CeilingRow> MeasureAsync(int connections, bool http2, CancellationToken cancellation) =>
        MeasureAsync(connections, http2, UsualWarmUp, UsualLength, cancellation);

    public static async Task<CeilingRow> MeasureAsync(int connections, bool http2, TimeSpan warmUp, TimeSpan length, CancellationToken cancellation)
    {
        await using TwinProcess twin = await TwinProcess.StartAsync(http2, cancellation);
        var options = new StormOptions
        {
            Urls = [twin.Url],
            Campaigns = [Campaign],
            Users = Schedule.UsersFor(ClosedLoop.RateMax * (warmUp + length).TotalSeconds, repeatShare: 0),
            RepeatShare = 0,
            Curve = LoadCurve.Constant(ClosedLoop.RateMax),
            ClosedLoop = connections,
            ClosedLoopLength = warmUp + length,
            WarmUp = warmUp,
            Http2 = http2,
            DecisionSample = 0,
            UserPrefix = Campaign,
        };
        var schedule = Schedule.Create(options.Users, options.RepeatShare, options.Curve, options.Spacing, options.Seed);
        HttpEndpoint endpoint = await HttpEndpoint.ResolveAsync(twin.Url, cancellation);
        using var engine = new StormEngine(options, schedule, [endpoint], TimeProvider.System);
        engine.Start();
        await Task.Delay(warmUp, cancellation);
        long claims = engine.Book.AcceptedInAll;
        long began = Stopwatch.GetTimestamp();
        TimeSpan mine = Environment.CpuUsage.TotalTime, its = twin.CpuTime;
        await Task.Delay(length, cancellation);
        claims = engine.Book.AcceptedInAll - claims;
        TimeSpan took = Stopwatch.GetElapsedTime(began);
        mine = Environment.CpuUsage.TotalTime - mine;
        its = twin.CpuTime - its;
        engine.StopOffering();
        if (engine.Faulted.IsFaulted)
            await engine.Faulted;
        if (claims == 0)
            throw new CliException($"the ceiling could not be measured: {engine.Book.FirstUnexpected ?? "no claim was answered"}.");
        return new CeilingRow(claims / took.TotalSeconds, mine.TotalMicroseconds / claims, its.TotalMicroseconds / claims, connections, http2);
    }
}
