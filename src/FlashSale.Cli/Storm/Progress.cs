using Spectre.Console;

namespace FlashSale.Cli.Storm;

/// <summary>How far the storm is, once a second.</summary>
internal sealed record StormProgress
{
    public required string Phase { get; init; }

    public required TimeSpan Elapsed { get; init; }

    public required long Offered { get; init; }

    public required long Claims { get; init; }

    public required double AcceptedPerSecond { get; init; }

    public required double RefusedPerSecond { get; init; }

    public required long Accepted { get; init; }

    public required long Decided { get; init; }

    public required long Issued { get; init; }

    public required long Unknown { get; init; }

    public required TimeSpan AcceptedP99 { get; init; }

    public required TimeSpan Behind { get; init; }

    /// <summary>The same as one line.</summary>
    public override string ToString() =>
        $"{Elapsed.TotalSeconds,6:0.0} s  {Phase,-7} offered {Offered:N0} of {Claims:N0}  accepted {AcceptedPerSecond:N0}/s  refused {RefusedPerSecond:N0}/s  "
        + $"decided {Decided:N0} of {Accepted:N0}  202 p99 {AcceptedP99.TotalMilliseconds:0.0} ms  behind {Behind.TotalMilliseconds:0.0} ms"
        + (Unknown > 0 ? $"  unknown {Unknown:N0}" : "");
}

/// <summary>Shows progress while an action runs.</summary>
internal interface IProgressView
{
    Task RunAsync(Func<Task> action);

    void Show(StormProgress progress);
}

/// <summary>One line a second, for logs and pipes.</summary>
internal sealed class LineProgress(TextWriter output) : IProgressView
{
    public Task RunAsync(Func<Task> action) => action();

    public void Show(StormProgress progress) => output.WriteLine(progress);
}

/// <summary>A table that is drawn over again, for a terminal.</summary>
internal sealed class LiveProgress(IAnsiConsole console) : IProgressView
{
    private LiveDisplayContext? _display;

    public Task RunAsync(Func<Task> action) =>
        console.Live(new Text("starting")).AutoClear(true).StartAsync(async display =>
        {
            _display = display;
            await action();
        });

    public void Show(StormProgress progress)
    {
        Table table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns("", "");
        table.AddRow("phase", $"{progress.Phase}, {progress.Elapsed.TotalSeconds:0} s");
        table.AddRow("offered", $"{progress.Offered:N0} of {progress.Claims:N0}");
        table.AddRow("accepted", $"{progress.Accepted:N0}, {progress.AcceptedPerSecond:N0}/s");
        table.AddRow("refused at the door", $"{progress.RefusedPerSecond:N0}/s");
        table.AddRow("decisions learnt", $"{progress.Decided:N0}, {progress.Issued:N0} of them issued");
        table.AddRow("unknown", $"{progress.Unknown:N0}");
        table.AddRow("p99 of the 202", $"{progress.AcceptedP99.TotalMilliseconds:0.0} ms");
        table.AddRow("behind schedule", $"{progress.Behind.TotalMilliseconds:0.0} ms");
        _display?.UpdateTarget(table);
    }
}
