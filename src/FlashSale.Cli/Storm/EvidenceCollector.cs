using FlashSale.Cli.Campaigns;

namespace FlashSale.Cli.Storm;

/// <summary>Sums up per campaign what the callers were told.</summary>
internal static class EvidenceCollector
{
    /// <summary>The users of claims that may count though their last answer does not say so.</summary>
    public static IReadOnlyList<UserInDoubt> UsersInDoubt(ClaimBook book)
    {
        var users = new Dictionary<int, UserInDoubt>();
        for (int slot = 0; slot < book.Schedule.Count; slot++)
        {
            if (IsInDoubt(book, slot))
                users.TryAdd(book.Schedule.UserOf(slot), new UserInDoubt(book.Schedule.UserOf(slot), book.CampaignOf(slot)));
        }
        return [.. users.Values];
    }

    public static CampaignEvidence[] Collect(
        ClaimBook book, IReadOnlyList<CampaignInfo> before, IReadOnlyList<UserInDoubt> inDoubt, IReadOnlyList<IReadOnlyList<CampaignInfo?>> after, bool everyDecisionAsked)
    {
        var tallies = new Tally[before.Count];
        for (int i = 0; i < tallies.Length; i++)
            tallies[i] = new Tally();
        int[] wantedByUser = new int[book.Schedule.Users];
        byte soldOut = book.Reasons.NumberOf("sold-out");
        for (int slot = 0; slot < book.Schedule.Count; slot++)
        {
            int campaign = book.CampaignOf(slot);
            tallies[campaign].Add(book, slot, soldOut, wantedByUser, before[campaign].PerUser);
        }
        foreach (UserInDoubt user in inDoubt)
            tallies[user.Campaign].AddFound(user);
        return [.. tallies.Select((t, i) => t.ToEvidence(before[i], after[i], everyDecisionAsked))];
    }

    private static bool IsInDoubt(ClaimBook book, int slot) =>
        book.StateOf(slot) == ClaimState.Sent
        || (book.MayCount(slot) && book.StateOf(slot) is ClaimState.Unknown or ClaimState.Unexpected or ClaimState.RefusedAtDoor);

    private sealed class Tally
    {
        private readonly List<ToldCoupon> _told = [];
        private readonly HashSet<ToldCoupon> _distinct = [];
        private long _accepted, _issued, _refused, _soldOut, _demand, _inDoubt;

        public void Add(ClaimBook book, int slot, byte soldOutReason, int[] wantedByUser, int perUser)
        {
            int user = book.Schedule.UserOf(slot);
            ClaimState state = book.StateOf(slot);
            bool soldOut = state is ClaimState.Refused or ClaimState.RefusedAtDoor && book.ReasonOf(slot) == soldOutReason;
            if (state is ClaimState.Accepted or ClaimState.Issued or ClaimState.Refused)
                _accepted++;
            if (state == ClaimState.Issued)
            {
                _issued++;
                var told = new ToldCoupon(user, book.CodeOf(slot));
                _told.Add(told);
                _distinct.Add(told);
            }
            if (state == ClaimState.Refused)
                _refused++;
            if (soldOut)
                _soldOut++;
            if ((soldOut || state is ClaimState.Issued or ClaimState.Accepted) && wantedByUser[user]++ < perUser)
                _demand++;
        }

        public void AddFound(UserInDoubt user)
        {
            if (user.Codes is null)
                _inDoubt++;
            foreach (string code in user.Codes ?? [])
            {
                if (_distinct.Add(new ToldCoupon(user.User, code)))
                    _told.Add(new ToldCoupon(user.User, code));
            }
        }

        public CampaignEvidence ToEvidence(CampaignInfo before, IReadOnlyList<CampaignInfo?> after, bool everyDecisionAsked) => new()
        {
            CampaignId = before.CampaignId,
            Quantity = before.Quantity,
            PerUser = before.PerUser,
            IssuedBefore = before.Issued,
            IssuedAfter = [.. after.Select(c => c?.Issued)],
            Told = _told,
            Accepted = _accepted,
            Issued = _issued,
            Refused = _refused,
            SoldOut = _soldOut,
            Demand = _demand,
            InDoubt = _inDoubt,
            EveryDecisionAsked = everyDecisionAsked,
        };
    }
}
