namespace FlashSale.Cli.Storm;

/// <summary>How the intended send times are spread.</summary>
internal enum Spacing
{
    /// <summary>The same distance between any two.</summary>
    Even,

    /// <summary>Random distances, as from many people who know nothing of each other.</summary>
    Poisson,
}

/// <summary>
/// Who claims when, fixed before the first request: the answers have no influence on it. Every user claims once in order of
/// their numbers; a share of them claims once more at a random later place.
/// </summary>
internal sealed class Schedule
{
    private const int UserMask = int.MaxValue;
    private const int RepeatFlag = int.MinValue;
    private readonly int[] _slots;
    private readonly LoadCurve _curve;
    private readonly TimeSpan[]? _random;

    private Schedule(int[] slots, int users, LoadCurve curve, TimeSpan[]? random)
    {
        _slots = slots;
        Users = users;
        _curve = curve;
        _random = random;
    }

    /// <summary>The number of claims.</summary>
    public int Count => _slots.Length;

    public int Users { get; }

    public int Repeats => Count - Users;

    /// <summary>When the last claim is due.</summary>
    public TimeSpan Length => Count == 0 ? TimeSpan.Zero : IntendedAt(Count - 1);

    public static Schedule Create(int users, double repeatShare, LoadCurve curve, Spacing spacing, int seed)
    {
        var random = new Random(seed);
        int[] slots = Merge(users, DrawRepeats(users, repeatShare, random));
        return new Schedule(slots, users, curve, spacing == Spacing.Even ? null : DrawTimes(slots.Length, curve, random));
    }

    /// <summary>The number of users with so many claims, repeats included; at least 1.</summary>
    public static int UsersFor(double claims, double repeatShare) =>
        (int)Math.Min(StormOptions.UsersMax + 1d, Math.Max(1, Math.Round(claims / (1 + repeatShare))));

    /// <summary>The number of claims of so many users, repeats included.</summary>
    public static int ClaimsOf(int users, double repeatShare) => users + RepeatsOf(users, repeatShare);

    /// <summary>When this claim is to be sent, counted from the start. In a closed loop nothing is: it is sent as soon as a connection is free.</summary>
    public TimeSpan IntendedAt(int slot) => _random is null ? _curve.TimeOf(slot) : _random[slot];

    public int UserOf(int slot) => _slots[slot] & UserMask;

    /// <summary>Whether this is the second claim of its user.</summary>
    public bool IsRepeat(int slot) => _slots[slot] < 0;

    private static int RepeatsOf(int users, double share) => (int)Math.Round(users * share);

    private static List<(double Place, int User)> DrawRepeats(int users, double share, Random random)
    {
        // Exactly the share, drawn without replacement (selection sampling), not "about" it.
        int wanted = RepeatsOf(users, share);
        var repeats = new List<(double Place, int User)>(wanted);
        for (int user = 0; user < users && repeats.Count < wanted; user++)
        {
            if (random.NextDouble() * (users - user) < wanted - repeats.Count)
                repeats.Add((user + (random.NextDouble() * (users - user)), user));
        }
        repeats.Sort();
        return repeats;
    }

    private static int[] Merge(int users, List<(double Place, int User)> repeats)
    {
        int[] slots = new int[users + repeats.Count];
        int slot = 0, repeat = 0;
        for (int user = 0; user < users; user++)
        {
            slots[slot++] = user;
            // A place in [user, user + 1) comes after this user's first claim and before the next user's.
            while (repeat < repeats.Count && repeats[repeat].Place < user + 1)
                slots[slot++] = repeats[repeat++].User | RepeatFlag;
        }
        while (repeat < repeats.Count)
            slots[slot++] = repeats[repeat++].User | RepeatFlag;
        return slots;
    }

    // A Poisson process whose rate changes is one of rate 1 with its time stretched.
    private static TimeSpan[] DrawTimes(int count, LoadCurve curve, Random random)
    {
        var times = new TimeSpan[count];
        double at = 0;
        for (int i = 0; i < count; i++)
        {
            times[i] = curve.TimeOf(at);
            at -= Math.Log(1 - random.NextDouble());
        }
        return times;
    }
}
