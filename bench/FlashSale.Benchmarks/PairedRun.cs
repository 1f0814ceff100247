using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using BenchmarkDotNet.Attributes;

namespace FlashSale.Benchmarks;

/// <summary>
/// Measures benchmarks of a class beside their twin in turns of a few milliseconds, and yields the ratio of the shortest turns: what slows the
/// machine down for a second or for a minute meets both, and the shortest turns are those in which nothing did. BenchmarkDotNet measures one
/// after the other, which is good for figures, but not for comparing ratios of today with those of last week.
/// </summary>
internal static class PairedRun
{
    private const int Turns = 120;

    private const int Depths = 8;

    private const int PageSize = 4096;

    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(3);

    /// <summary>Until the last tier of the compiler has taken over.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(600);

    /// <summary>Names as <see cref="Runner.Name"/> has them, and the ratio to the twin.</summary>
    public static IEnumerable<(string Name, double Ratio)> Run(Type type)
    {
        var methods = type.GetMethods().Where(static m => m.GetCustomAttribute<BenchmarkAttribute>() is not null).ToList();
        var twin = methods.Single(static m => m.GetCustomAttribute<BenchmarkAttribute>()!.Baseline);
        var parameter = type.GetProperties().SingleOrDefault(static p => p.GetCustomAttribute<ParamsAttribute>() is not null);
        foreach (var value in parameter?.GetCustomAttribute<ParamsAttribute>()!.Values ?? [null])
        {
            var instance = Activator.CreateInstance(type)!;
            parameter?.SetValue(instance, value);
            type.GetMethods().SingleOrDefault(static m => m.GetCustomAttribute<GlobalSetupAttribute>() is not null)?.Invoke(instance, null);
            foreach (var ours in methods.Where(m => m != twin))
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"{type.Name}.{ours.Name}{(value is null ? "" : $"({value})")}");
                yield return (name, Compare(Repeater(ours, instance), Repeater(twin, instance)));
            }
        }
    }

    private static double Compare(Action<int> ours, Action<int> twin)
    {
        var (oursTimes, twinTimes) = (TimesPerTurn(ours), TimesPerTurn(twin));
        var (oursLeast, twinLeast) = (double.MaxValue, double.MaxValue);
        for (var turn = 0; turn < Turns; turn++)
        {
            var depth = turn % Depths * (PageSize / Depths);
            oursLeast = Math.Min(oursLeast, SecondsAt(depth, ours, oursTimes) / oursTimes);
            twinLeast = Math.Min(twinLeast, SecondsAt(depth, twin, twinTimes) / twinTimes);
        }

        return oursLeast / twinLeast;
    }

    private static int TimesPerTurn(Action<int> repeat)
    {
        var times = 0;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < WarmUp; times++)
            repeat(1);
        var (count, least) = (Math.Max(1, times / 100), double.MaxValue);
        for (var i = 0; i < 5; i++)
            least = Math.Min(least, Seconds(repeat, count) / count);
        return (int)Math.Clamp(Turn.TotalSeconds / least, 1, int.MaxValue);
    }

    /// <summary>
    /// So many bytes deeper on the stack. Where a benchmark's variables lie across the end of a page, copying them takes more than twice as long, and
    /// a process in which they do would keep them there: its ratio would be another one than that of the process before.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double SecondsAt(int depth, Action<int> repeat, int times)
    {
        Span<byte> deeper = stackalloc byte[depth + 1];
        deeper[depth] = 1;
        return Seconds(repeat, times);
    }

    private static double Seconds(Action<int> repeat, int times)
    {
        var started = Stopwatch.GetTimestamp();
        repeat(times);
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static Action<int> Repeater(MethodInfo method, object instance) => (Action<int>)typeof(PairedRun)
        .GetMethod(nameof(RepeaterOf), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(method.ReturnType).Invoke(null, [method, instance])!;

    private static Action<int> RepeaterOf<T>(MethodInfo method, object instance)
    {
        var once = method.CreateDelegate<Func<T>>(instance);
        return times =>
        {
            for (; times > 0; times--)
            {
                var result = once();
                if (result is Task task)
                    task.GetAwaiter().GetResult();
                GC.KeepAlive(result);
            }
        };
    }
}
