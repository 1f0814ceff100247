using FlashSale.Core.Coupons;
using FlashSale.Core.Door;

namespace FlashSale.Simulation.Oracle;

/// <summary>A ticket, and what its owner was told.</summary>
internal sealed class GivenTicket(string text, Ticket ticket, string? key)
{
    public string Text => text;

    public ClaimQuestion Claim => ticket.Claim;

    /// <summary>The idempotency key of the claim, where it had one.</summary>
    public string? Key => key;

    public ClaimStatus? Final { get; set; }
}

/// <summary>Keeps all answers, and checks I6 and, where they are final, I3 and I4 as claimants see them.</summary>
internal sealed class Answers(World world)
{
    private readonly CouponCodes _codes = new();

    public List<GivenTicket> Tickets { get; } = [];

    public GivenTicket Given(string text, Ticket ticket, string? key)
    {
        var given = new GivenTicket(text, ticket, key);
        Tickets.Add(given);
        return given;
    }

    public void Answered(GivenTicket ticket, ClaimStatus answer, string by)
    {
        var claim = ticket.Claim;
        var at = $"ticket {claim.Partition}:{claim.Offset}:{claim.Index} of {claim.UserId}";
        world.Trace(by, $"{at}: {answer.Outcome} {string.Join(' ', answer.Codes)}");
        if (answer.Outcome == CouponOutcome.None)
            return;
        if (ticket.Final is { } before && (before.Outcome != answer.Outcome || !before.Codes.SequenceEqual(answer.Codes)))
            throw new ViolationException("I6", $"{at} was {Describe(before)}, now it is {Describe(answer)}");
        ticket.Final = answer;
        Check(claim, answer, at);
    }

    /// <summary>The coupon that the log gives a claim, or null.</summary>
    public string? CodeOf(ClaimQuestion claim, TrueClaim found)
    {
        if (!found.Outcome.IsIssued())
            return null;
        var campaign = world.Oracle.Truth[claim.Partition].Model.Campaigns.Single(c => c.CampaignId == found.CampaignId);
        return _codes.Of(claim.Partition, found.CampaignId, campaign.State, found.Sequence);
    }

    private void Check(ClaimQuestion claim, ClaimStatus answer, string at)
    {
        var found = world.Oracle.Truth[claim.Partition].ClaimAt(claim.Offset, claim.Index);
        if (found is not { } log || log.UserId != claim.UserId || log.ClaimId != claim.ClaimId || log.CampaignId != claim.CampaignId)
        {
            // A claim that the log has lost after it was acknowledged has no outcome; only a coupon that the same claim has won
            // at another address is its owner's.
            var isLost = world.Oracle.WasLost(claim) || world.Log.IsDamaged(claim.Partition);
            if (!isLost || answer.Outcome == CouponOutcome.Issued && !HasWon(claim, answer.Codes.Single()))
                throw new ViolationException("I3", $"{at} is {Describe(answer)}, but the log has no such claim there");
            return;
        }

        var outcome = log.Outcome == CouponOutcome.IssuedBefore ? CouponOutcome.Issued : log.Outcome;
        if (outcome != answer.Outcome || outcome == CouponOutcome.Issued && answer.Codes.Single() != CodeOf(claim, log))
            throw new ViolationException("I4", $"{at} is {Describe(answer)}, the log says {log.Outcome} {CodeOf(claim, log)}");
    }

    private bool HasWon(ClaimQuestion claim, string code) =>
        world.Oracle.Truth[claim.Partition].Model.ReadUser(claim.UserId).Any(c => c.CampaignId == claim.CampaignId
            && c.Entries.Any(e => e.ClaimId == claim.ClaimId && _codes.Of(claim.Partition, c.CampaignId, c.State, e.Sequence) == code));

    private static string Describe(ClaimStatus answer) => $"{answer.Outcome.Name()} {string.Join(' ', answer.Codes)}".TrimEnd();
}
