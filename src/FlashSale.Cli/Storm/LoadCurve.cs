namespace FlashSale.Cli.Storm;

/// <summary>
/// How many claims fall due when: a rate that changes linearly within each segment, and stays as it is after the last one.
/// </summary>
internal sealed class LoadCurve
{
    /// <summary>How long the rush at the start of a spike lasts, and which share of all claims falls into it.</summary>
    public const double RushSeconds = 2;
    public const double RushShare = 0.8;

    /// <summary>A shorter tail would begin steeper than the rush.</summary>
    public const double SpikeSecondsMin = 5;

    // From its start to its end the tail of a spike falls to e^-4, a fiftieth.
    private const double TailExponent = 4;
    private const int TailSegments = 20;

    private readonly List<Segment> _segments = [];

    /// <summary>The highest rate, in claims per second.</summary>
    public double RateMax { get; private set; }

    private Segment Last => _segments[^1];

    /// <summary>The same rate (above 0, in claims per second) all the time.</summary>
    public static LoadCurve Constant(double rate) => new LoadCurve().Add(1, rate, rate);

    /// <summary>From nothing to this rate (claims per second) within this time, then constant.</summary>
    public static LoadCurve Ramp(double rate, TimeSpan rise) => new LoadCurve().Add(rise.TotalSeconds, 0, rate).Add(1, rate, rate);

    /// <summary>
    /// A real sale: most claims (<see cref="RushShare"/>) in the first two seconds, the others in a tail that thins out exponentially
    /// until the end. <paramref name="length"/> is at least <see cref="SpikeSecondsMin"/>.
    /// </summary>
    public static LoadCurve Spike(int claims, TimeSpan length)
    {
        double rush = claims * RushShare / RushSeconds;
        LoadCurve curve = new LoadCurve().Add(RushSeconds, rush, rush);
        double step = (length.TotalSeconds - RushSeconds) / TailSegments;
        double[] rates = [.. Enumerable.Range(0, TailSegments + 1).Select(i => Math.Exp(-TailExponent * i / TailSegments))];
        double area = rates.Zip(rates.Skip(1), (from, to) => (from + to) / 2 * step).Sum();
        double scale = claims * (1 - RushShare) / area;
        for (int i = 0; i < TailSegments; i++)
            curve.Add(step, rates[i] * scale, rates[i + 1] * scale);
        return curve;
    }

    /// <summary>When so many claims have fallen due, counted from the start.</summary>
    public TimeSpan TimeOf(double claims)
    {
        int i = 0;
        while (i < _segments.Count && claims >= _segments[i].ClaimsBefore + _segments[i].Claims)
            i++;
        if (i == _segments.Count)
            return TimeSpan.FromSeconds(Last.Start + Last.Seconds + ((claims - Last.ClaimsBefore - Last.Claims) / Last.To));
        Segment segment = _segments[i];
        // The root of "area under the line = claims" that has no subtraction of nearly equal numbers, and none that divides by the slope.
        double within = claims - segment.ClaimsBefore;
        double slope = (segment.To - segment.From) / segment.Seconds;
        double divisor = segment.From + Math.Sqrt(Math.Max(0, (segment.From * segment.From) + (2 * slope * within)));
        return TimeSpan.FromSeconds(segment.Start + (divisor == 0 ? 0 : 2 * within / divisor));
    }

    /// <summary>How many claims have fallen due by then.</summary>
    public double ClaimsBy(TimeSpan time)
    {
        double seconds = time.TotalSeconds;
        int i = _segments.FindIndex(s => seconds < s.Start + s.Seconds);
        if (i < 0)
            return Last.ClaimsBefore + Last.Claims + ((seconds - Last.Start - Last.Seconds) * Last.To);
        Segment segment = _segments[i];
        double within = seconds - segment.Start;
        double rate = segment.From + ((segment.To - segment.From) * within / segment.Seconds);
        return segment.ClaimsBefore + ((segment.From + rate) / 2 * within);
    }

    private LoadCurve Add(double seconds, double from, double to)
    {
        bool first = _segments.Count == 0;
        _segments.Add(new Segment(first ? 0 : Last.Start + Last.Seconds, seconds, from, to, first ? 0 : Last.ClaimsBefore + Last.Claims));
        RateMax = Math.Max(RateMax, Math.Max(from, to));
        return this;
    }

    private readonly record struct Segment(double Start, double Seconds, double From, double To, double ClaimsBefore)
    {
        public double Claims => (From + To) / 2 * Seconds;
    }
}
