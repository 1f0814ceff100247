using System.Runtime.InteropServices;
using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Ledger;

/// <summary>Gathers the outcomes of consecutive event records of a partition into one batch.</summary>
internal sealed class LedgerBatchBuilder(int partition, bool everyRefusal, CampaignCodes codes)
{
    private readonly Dictionary<(string CampaignId, CouponOutcome Reason), long> _counts = [];
    private readonly Dictionary<string, LedgerCampaign> _campaigns = [];
    private List<LedgerCoupon> _coupons = [];
    private List<LedgerRefusal> _refusals = [];

    // By index in the record at hand: the state after it of each campaign that it names.
    private CampaignState?[] _states = [];

    /// <summary>Event records gathered.</summary>
    public int Records { get; private set; }

    /// <summary>Rows that the batch comes to as it stands.</summary>
    public int Rows => _coupons.Count + _refusals.Count + _counts.Count + _campaigns.Count;

    /// <exception cref="LogRefusedException">The event's parts do not fit each other.</exception>
    public void Add(EventRecord told)
    {
        var outcomes = CouponOutcomes.Open(told.Outcomes.Span);
        if (told.Command.IsEmpty)
            AddWithoutCommand(told, outcomes);
        else
            AddCommands(told, OpenCommands(told), outcomes);
        Records++;
    }

    /// <summary>The batch, and an empty builder.</summary>
    public LedgerBatch Take(LedgerMark before, LedgerMark after)
    {
        var batch = new LedgerBatch(
            partition,
            before,
            after,
            _coupons,
            [.. _counts.Select(c => new LedgerRefusalCount(c.Key.CampaignId, c.Key.Reason, c.Value))],
            _refusals,
            [.. _campaigns.Values]);
        Clear();
        return batch;
    }

    private void Clear()
    {
        _coupons = [];
        _refusals = [];
        _counts.Clear();
        _campaigns.Clear();
        Records = 0;
    }

    private static CouponRecord OpenCommands(EventRecord told)
    {
        try
        {
            return CouponRecord.Open(told.Command.Span);
        }
        catch (InvalidOperationException)
        {
            throw Misfit(told);
        }
    }

    private void AddWithoutCommand(EventRecord told, CouponOutcomes outcomes)
    {
        while (outcomes.TryNext(out var outcome, out _))
        {
            if (outcome != CouponOutcome.Undecodable)
                throw Misfit(told);
            Count("", outcome);
        }
    }

    private void AddCommands(EventRecord told, CouponRecord commands, CouponOutcomes outcomes)
    {
        AddCampaigns(told, commands.Campaigns, outcomes);
        for (var index = 0; index < commands.Count; index++)
        {
            if (!commands.TryNext(out var command) || command.Campaign >= commands.Campaigns.Length
                || !outcomes.TryNext(out var outcome, out var sequence))
                throw Misfit(told);
            var address = new RecordAddress(partition, told.Answers.Offset, index);
            var campaignId = commands.Campaigns[command.Campaign];
            if (command.Kind == CouponCommandKind.Claim)
                AddClaim(address, campaignId, command, outcome, sequence, commands.Count - index - 1);
            else if (outcome is CouponOutcome.CampaignOpened or CouponOutcome.CampaignChanged)
                Describe(told, campaignId, command.Description);
        }

        if (outcomes.TryNext(out _, out _))
            throw Misfit(told);
    }

    private void AddCampaigns(EventRecord told, string[] names, in CouponOutcomes outcomes)
    {
        if (_states.Length < names.Length)
            _states = new CampaignState?[Math.Max(names.Length, 16)];
        Array.Clear(_states, 0, names.Length);
        for (var i = 0; i < outcomes.CampaignCount; i++)
        {
            var (index, state) = outcomes.CampaignAt(i);
            if (index >= names.Length)
                throw Misfit(told);
            _states[index] = state;
            var description = _campaigns.TryGetValue(names[index], out var known) ? known.Description : null;
            _campaigns[names[index]] = new LedgerCampaign(names[index], partition, state, description);
        }
    }

    private void AddClaim(RecordAddress address, string campaignId, in CouponCommandView claim, CouponOutcome outcome, int sequence, int following)
    {
        if (outcome == CouponOutcome.Issued)
        {
            var state = _states[claim.Campaign]
                ?? throw new LogRefusedException($"the event that answers {address} issues a coupon of {campaignId} without telling its campaign");
            _coupons.Add(new LedgerCoupon(address, campaignId, Encoding.ASCII.GetString(claim.User),
                codes.Encode(state, sequence, following), sequence, claim.ClaimId, claim.InstantMs));
            return;
        }

        Count(campaignId, outcome);
        if (everyRefusal && outcome.IsRefusal())
            _refusals.Add(new LedgerRefusal(address, campaignId, Encoding.ASCII.GetString(claim.User), outcome, claim.InstantMs));
    }

    private void Describe(EventRecord told, string campaignId, ReadOnlySpan<byte> description)
    {
        if (!_campaigns.TryGetValue(campaignId, out var campaign))
            throw Misfit(told);
        _campaigns[campaignId] = campaign with { Description = Encoding.UTF8.GetString(description) };
    }

    private void Count(string campaignId, CouponOutcome reason) =>
        CollectionsMarshal.GetValueRefOrAddDefault(_counts, (campaignId, reason), out _)++;

    private static LogRefusedException Misfit(EventRecord told) =>
        new($"the event {told.Id} that answers offset {told.Answers.Offset} holds outcomes that do not fit its commands: it was written by a defective or newer engine; update this process");
}
