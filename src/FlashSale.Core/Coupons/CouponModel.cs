using System.Buffers.Binary;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Core.Coupons;

/// <summary>The coupon machine, as the engine sees it.</summary>
public sealed class CouponMachine(MachineTopics topics) : IMachine
{
    public static readonly CouponMachine Instance = new(MachineTopics.Coupon);

    public MachineTopics Topics => topics;

    public CommandRecordInfo Inspect(ReadOnlySpan<byte> record) => CouponRecord.Inspect(record);

    public IMachineModel NewModel() => new CouponModel();
}

/// <summary>
/// The rules of the coupon machine, version 1, and the state of one partition. The same rules stand in
/// <c>lua/coupon-apply.lua</c> and <c>lua/coupon-read-claim.lua</c>.
/// </summary>
public sealed class CouponModel : IMachineModel
{
    private readonly Dictionary<string, CampaignModel> _campaigns = [];
    private readonly List<CampaignModel> _byNumber = [];

    /// <summary>Campaigns in the order in which they were opened, which is that of their numbers.</summary>
    public IReadOnlyList<CampaignModel> Campaigns => _byNumber;

    /// <summary>The campaign of this id, or null.</summary>
    public CampaignModel? Find(string campaignId) => _campaigns.GetValueOrDefault(campaignId);

    public byte[] Apply(long offset, CommandRecordInfo info, ReadOnlySpan<byte> record)
    {
        if (info.State == CommandRecordState.Undecodable)
            return CouponOutcomes.OfUndecodable();
        if (info.State == CommandRecordState.Empty)
            return CouponOutcomes.OfEmpty();

        var commands = CouponRecord.Open(record);
        var campaigns = new CampaignModel?[commands.Campaigns.Length];
        var outcomes = new RecordWriter(commands.Count + 64);
        for (var index = 0; commands.TryNext(out var command); index++)
        {
            var (outcome, sequence) = Decide(commands.Campaigns[command.Campaign], ref campaigns[command.Campaign], command, offset, index);
            outcomes.Byte((byte)outcome);
            if (outcome.IsIssued())
                outcomes.UInt32(sequence);
        }

        return WithCampaigns(commands.Campaigns, outcomes.Written);
    }

    /// <summary>What became of a claim at an address that has been applied.</summary>
    public ClaimAnswer Read(ClaimQuestion claim)
    {
        if (!_campaigns.TryGetValue(claim.CampaignId, out var campaign) || !campaign.IsBefore(claim.Offset, claim.Index))
            return ClaimAnswer.Refused(CouponOutcome.CampaignUnknown);
        var entries = campaign.EntriesOf(claim.UserId);
        foreach (var entry in entries)
        {
            if (entry.ClaimId == claim.ClaimId && entry.IsAtOrBefore(claim.Offset, claim.Index))
                return new ClaimAnswer(CouponOutcome.Issued, campaign.State, [entry]);
        }

        var inForce = campaign.InForceAt(claim.Offset, claim.Index);
        var window = CampaignState.WindowAt(inForce.OpensAtMs, inForce.ClosesAtMs, inForce.IsClosed, claim.InstantMs);
        if (window != CouponOutcome.None)
            return ClaimAnswer.Refused(window);
        // What the user has got since then is not told: a ticket has one answer for ever.
        ClaimEntry[] held = [.. entries.Where(e => e.IsAtOrBefore(claim.Offset, claim.Index))];
        return held.Length >= inForce.PerUser
            ? new ClaimAnswer(CouponOutcome.AlreadyClaimed, campaign.State, held)
            : ClaimAnswer.Refused(CouponOutcome.SoldOut);
    }

    /// <summary>The coupons of a user in all campaigns of the partition.</summary>
    public IReadOnlyList<UserCoupons> ReadUser(string userId) =>
        [.. _byNumber.Select(c => new UserCoupons(c.CampaignId, c.State, c.EntriesOf(userId))).Where(c => c.Entries.Count > 0)];

    private (CouponOutcome Outcome, int Sequence) Decide(string campaignId, ref CampaignModel? campaign, in CouponCommandView command, long offset, int index)
    {
        campaign ??= Find(campaignId);
        return command.Kind switch
        {
            CouponCommandKind.Open when campaign is null => (OpenCampaign(campaignId, command, offset, index), 0),
            _ when campaign is null => (CouponOutcome.CampaignUnknown, 0),
            CouponCommandKind.Open or CouponCommandKind.Change => (ChangeCampaign(campaign, command, offset, index), 0),
            CouponCommandKind.Close => (CloseCampaign(campaign, offset, index), 0),
            _ => Claim(campaign, command, offset, index),
        };
    }

    private CouponOutcome OpenCampaign(string campaignId, in CouponCommandView command, long offset, int index)
    {
        if (_campaigns.Count >= CouponLimits.CampaignNumbers / MachineTopics.PartitionsMax)
            return CouponOutcome.CampaignLimit;
        var state = new CampaignState(_campaigns.Count, command.Quantity, command.PerUser, command.OpensAtMs, command.ClosesAtMs,
            IsClosed: false, Issued: 0, command.InstantMs, new CampaignSeed(BinaryPrimitives.ReadUInt128BigEndian(command.Seed)));
        var campaign = new CampaignModel(campaignId, state, command.Description.ToArray(), offset, index);
        _campaigns.Add(campaignId, campaign);
        _byNumber.Add(campaign);
        return CouponOutcome.CampaignOpened;
    }

    private static CouponOutcome ChangeCampaign(CampaignModel campaign, in CouponCommandView command, long offset, int index)
    {
        var state = campaign.State;
        var changed = state with
        {
            Quantity = command.Quantity,
            PerUser = command.PerUser,
            OpensAtMs = command.OpensAtMs,
            ClosesAtMs = command.ClosesAtMs,
            IsClosed = false,
        };
        if (changed == state with { IsClosed = false } && command.Description.SequenceEqual(campaign.Description.Span))
            return CouponOutcome.Unchanged;
        if (command.Quantity < state.Issued)
            return CouponOutcome.QuantityBelowIssued;
        if (campaign.ChangeCount >= CouponLimits.ChangesMax)
            return CouponOutcome.ChangeLimit;
        campaign.Description = command.Description.ToArray();
        campaign.Set(changed, offset, index);
        return CouponOutcome.CampaignChanged;
    }

    private static CouponOutcome CloseCampaign(CampaignModel campaign, long offset, int index)
    {
        if (campaign.State.IsClosed)
            return CouponOutcome.Unchanged;
        if (campaign.ChangeCount >= CouponLimits.ChangesMax)
            return CouponOutcome.ChangeLimit;
        campaign.Set(campaign.State with { IsClosed = true }, offset, index);
        return CouponOutcome.CampaignClosed;
    }

    private static (CouponOutcome Outcome, int Sequence) Claim(CampaignModel campaign, in CouponCommandView command, long offset, int index)
    {
        var held = 0;
        foreach (var coupon in campaign.Holdings.Of(command.User))
        {
            if (ClaimEntry.ClaimIdOf(coupon) == command.ClaimId)
                return (CouponOutcome.IssuedBefore, ClaimEntry.Read(coupon).Sequence);
            held++;
        }

        var state = campaign.State;
        var window = state.WindowAt(command.InstantMs);
        if (window != CouponOutcome.None)
            return (window, 0);
        if (held >= state.PerUser)
            return (CouponOutcome.AlreadyClaimed, 0);
        if (state.IsSoldOut)
            return (CouponOutcome.SoldOut, 0);

        var sequence = state.Issued;
        campaign.Holdings.Add(command.User, new ClaimEntry(sequence, offset, index, command.ClaimId, command.InstantMs, CouponState.Issued));
        campaign.State = state with { Issued = sequence + 1 };
        return (CouponOutcome.Issued, sequence);
    }

    private byte[] WithCampaigns(string[] names, ReadOnlySpan<byte> outcomes)
    {
        var writer = new RecordWriter(2 + names.Length * (2 + CampaignState.Size) + outcomes.Length);
        writer.UInt16(names.Count(_campaigns.ContainsKey));
        for (var i = 0; i < names.Length; i++)
        {
            if (!_campaigns.TryGetValue(names[i], out var campaign))
                continue;
            writer.UInt16(i);
            campaign.State.Write(writer.Reserve(CampaignState.Size));
        }

        writer.Bytes(outcomes);
        return writer.ToArray();
    }
}
