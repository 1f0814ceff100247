namespace FlashSale.Core.Door;

/// <summary>
/// Limits how often a user may ask within a window. Counts are kept for the running window only, for a bounded number of
/// users: when it is full, it begins anew, which lets some users ask more often and never refuses one wrongly.
/// </summary>
public sealed class UserLimit(DoorOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _counts = [];
    private long _windowStart = time.GetTimestamp();

    /// <summary>Counts a request; false where the user is over the limit, with the time until the window ends.</summary>
    public bool TryTake(string userId, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        if (options.UserLimit == 0)
            return true;
        lock (_gate)
        {
            var age = time.GetElapsedTime(_windowStart);
            if (age >= options.UserLimitWindow || _counts.Count >= options.UserLimitUsersMax)
            {
                _counts.Clear();
                _windowStart = time.GetTimestamp();
                age = TimeSpan.Zero;
            }

            var count = _counts.GetValueOrDefault(userId);
            if (count >= options.UserLimit)
            {
                retryAfter = options.UserLimitWindow - age;
                return false;
            }

            _counts[userId] = count + 1;
            return true;
        }
    }
}
