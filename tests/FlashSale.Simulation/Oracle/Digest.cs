using FlashSale.Core.Coupons;

namespace FlashSale.Simulation.Oracle;

/// <summary>A short form of all that a partition's state tells, to compare states by.</summary>
internal static class Digest
{
    private const ulong Prime = 1099511628211UL;
    private const ulong Basis = 14695981039346656037UL;

    public static ulong Of(IEnumerable<CampaignSnapshot> campaigns, Func<string, IReadOnlyList<UserCoupons>> couponsOf, IReadOnlyList<string> users)
    {
        var hash = Basis;
        Span<byte> state = stackalloc byte[CampaignState.Size];
        foreach (var campaign in campaigns)
        {
            Add(ref hash, campaign.CampaignId);
            campaign.State.Write(state);
            foreach (var b in state)
                Add(ref hash, b);
            foreach (var b in campaign.Description.Span)
                Add(ref hash, b);
        }

        foreach (var user in users)
        {
            foreach (var coupons in couponsOf(user))
            {
                Add(ref hash, user);
                Add(ref hash, coupons.CampaignId);
                foreach (var entry in coupons.Entries)
                {
                    Add(ref hash, (ulong)entry.Sequence);
                    Add(ref hash, (ulong)entry.Offset);
                    Add(ref hash, (ulong)entry.Index);
                    Add(ref hash, entry.ClaimId);
                    Add(ref hash, (ulong)entry.InstantMs);
                }
            }
        }

        return hash;
    }

    public static void Add(ref ulong hash, ulong value) => hash = (hash ^ value) * Prime;

    public static void Add(ref ulong hash, string text)
    {
        foreach (var c in text)
            Add(ref hash, c);
    }
}
