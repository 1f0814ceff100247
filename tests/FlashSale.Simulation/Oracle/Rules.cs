using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Simulation.Oracle;

/// <summary>
/// Follows the outcomes as they are told, each once, and checks what may never be, by counting alone: I1 (never more than the
/// quantity), I2 (never more than perUser) and I8 (nobody is refused as sold out while something is left). It knows neither
/// the model nor how anything was decided, so that a wrong model is found as well. What the ledger must hold comes from here.
/// </summary>
internal sealed class Rules(int partition)
{
    private readonly Dictionary<string, Campaign> _campaigns = [];

    public List<(RecordAddress Address, string CampaignId, string UserId, int Sequence, ulong ClaimId, long InstantMs)> Issued { get; } = [];

    public Dictionary<(string CampaignId, CouponOutcome Reason), long> Refused { get; } = [];

    public void Told(EventRecord told)
    {
        if (told.Command.IsEmpty)
        {
            if (CouponOutcomes.Open(told.Outcomes.Span) is var single && single.TryNext(out var outcome, out _))
                Count("", outcome);
            return;
        }

        var commands = CouponRecord.Open(told.Command.Span);
        var outcomes = CouponOutcomes.Open(told.Outcomes.Span);
        for (var index = 0; commands.TryNext(out var command); index++)
        {
            if (!outcomes.TryNext(out var outcome, out var sequence))
                throw new ViolationException("I3", $"{partition}:{told.Answers.Offset}:{index} has no outcome");
            var at = new RecordAddress(partition, told.Answers.Offset, index);
            var id = commands.Campaigns[command.Campaign];
            if (command.Kind == CouponCommandKind.Claim)
                Claim(at, id, command, outcome, sequence);
            else if (outcome is CouponOutcome.CampaignOpened or CouponOutcome.CampaignChanged)
                Change(at, id, command.Quantity, command.PerUser);
        }
    }

    private void Change(RecordAddress at, string id, int quantity, int perUser)
    {
        if (!_campaigns.TryGetValue(id, out var campaign))
            _campaigns.Add(id, campaign = new Campaign());
        (campaign.Quantity, campaign.PerUser) = (quantity, perUser);
        if (campaign.Issued > quantity)
            throw new ViolationException("I1", $"at {at} {id} gets a quantity of {quantity}, but {campaign.Issued} are issued");
    }

    private void Claim(RecordAddress at, string id, in CouponCommandView claim, CouponOutcome outcome, int sequence)
    {
        var user = Encoding.ASCII.GetString(claim.User);
        var campaign = _campaigns.GetValueOrDefault(id);
        if (outcome == CouponOutcome.SoldOut && (campaign is null || campaign.Issued < campaign.Quantity))
            throw new ViolationException("I8", $"{at}: {user} is refused as sold out with {campaign?.Issued} of {campaign?.Quantity} of {id} issued");
        if (outcome != CouponOutcome.Issued)
        {
            Count(id, outcome);
            return;
        }

        if (campaign is null || campaign.Issued >= campaign.Quantity)
            throw new ViolationException("I1", $"{at}: coupon {campaign?.Issued + 1} of {campaign?.Quantity} of {id} is issued");
        campaign.Issued++;
        var held = campaign.Users.GetValueOrDefault(user);
        if (held >= campaign.PerUser)
            throw new ViolationException("I2", $"{at}: {user} gets coupon {held + 1} of {campaign.PerUser} of {id}");
        campaign.Users[user] = held + 1;
        if (!campaign.Sequences.Add(sequence))
            throw new ViolationException("I1", $"{at}: coupon number {sequence} of {id} is issued twice");
        Issued.Add((at, id, user, sequence, claim.ClaimId, claim.InstantMs));
    }

    private void Count(string id, CouponOutcome reason) => Refused[(id, reason)] = Refused.GetValueOrDefault((id, reason)) + 1;

    private sealed class Campaign
    {
        public int Quantity { get; set; }

        public int PerUser { get; set; }

        public int Issued { get; set; }

        public Dictionary<string, int> Users { get; } = [];

        public HashSet<int> Sequences { get; } = [];
    }
}
