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
    private readonly TimeSpan[]? _random;
    private readonly double _rate;

    private Schedule(int[] slots, int users, double rate, TimeSpan[]? random)
    {
        _slots = slots;
        Users = users;
        _rate = rate;
        _random = random;
    }

    /// <summary>The number of claims.</summary>
    public int Count => _slots.Length;

    public int Users { get; }

    public int Repeats => Count - Users;

    /// <summary>When the last claim is due.</summary>
    public TimeSpan Length => Count == 0 ? TimeSpan.Zero : IntendedAt(Count - 1);

    public static Schedule Create(int users, double repeatShare, double rate, Spacing spacing, int seed)
    {
        var random = new Random(seed);
        int[] slots = Merge(users, DrawRepeats(users, repeatShare, random));
        return new Schedule(slots, users, rate, spacing == Spacing.Even ? null : DrawTimes(slots.Length, rate, random));
    }

    /// <summary>The number of users whose claims, repeats included, last so long at this rate.</summary>
    public static int UsersFor(TimeSpan duration, double rate, double repeatShare) =>
        (int)Math.Min(StormOptions.UsersMax + 1d, Math.Max(1, Math.Round(duration.TotalSeconds * rate / (1 + repeatShare))));

    /// <summary>When this claim is to be sent, counted from the start.</summary>
    public TimeSpan IntendedAt(int slot) => _random is null ? TimeSpan.FromSeconds(slot / _rate) : _random[slot];

    public int UserOf(int slot) => _slots[slot] & UserMask;

    /// <summary>Whether this is the second claim of its user.</summary>
    public bool IsRepeat(int slot) => _slots[slot] < 0;

    private static List<(double Place, int User)> DrawRepeats(int users, double share, Random random)
    {
        // Exactly the share, drawn without replacement (selection sampling), not "about" it.
        int wanted = (int)Math.Round(users * share);
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

    private static TimeSpan[] DrawTimes(int count, double rate, Random random)
    {
        var times = new TimeSpan[count];
        double at = 0;
        for (int i = 0; i < count; i++)
        {
            times[i] = TimeSpan.FromSeconds(at);
            at -= Math.Log(1 - random.NextDouble()) / rate;
        }
        return times;
    }
}
