using System.Text;

namespace FlashSale.Chaos.Watching;

/// <summary>The timeline as text, a row a second, downwards: it can be watched, piped and kept alike.</summary>
internal static class TimelineText
{
    private const int BarWidth = 12;

    public static string Header(double rate) =>
        $"{"",7}  {"accepted/s",-22}{"decided/s",-22}{"lag",8}{"unwritten",11}  faults (bars: {rate:N0}/s is full)";

    /// <param name="before">The sample of about a second earlier.</param>
    public static string Row(Sample before, Sample now, double rate, IReadOnlyList<FaultSpan> faults)
    {
        var seconds = Math.Max(now.Seconds - before.Seconds, 0.001);
        var accepted = (now.Accepted - before.Accepted) / seconds;
        var decided = (now.Decided - before.Decided) / seconds;
        var unwritten = now.Unwritten < 0 ? "away" : $"{now.Unwritten:N0}";
        return $"{now.Seconds,5:0} s  {Bar(accepted, rate)}{accepted,7:N0}   {Bar(decided, rate)}{decided,7:N0}   {now.Lag,8:N0}{unwritten,11}  {Of(faults, before.Seconds, now.Seconds)}".TrimEnd();
    }

    /// <summary>What began (+), goes on, or ended (-) between two moments.</summary>
    private static string Of(IReadOnlyList<FaultSpan> faults, double from, double to)
    {
        var text = new StringBuilder();
        foreach (var fault in faults.Where(f => f.From <= to && (f.To ?? double.MaxValue) > from))
        {
            var began = fault.From > from;
            var ended = fault.To <= to;
            text.Append(text.Length > 0 ? ", " : "").Append(began ? "+" : "").Append(ended ? "-" : "").Append(fault.Name);
            if (ended && fault.Detail is not null)
                text.Append($" ({fault.Detail})");
        }

        return text.ToString();
    }

    private static string Bar(double value, double full)
    {
        var length = (int)Math.Clamp(Math.Round(value / full * BarWidth), 0, BarWidth);
        return new string('#', length).PadRight(BarWidth);
    }
}
