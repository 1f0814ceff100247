using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Simulation.Oracle;

/// <summary>What must hold once all is quiet: I3, I5, I7 and that every door knows the campaigns as they are.</summary>
internal static class FinalChecks
{
    public static void Run(World world)
    {
        for (var p = 0; p < world.Partitions; p++)
        {
            world.Oracle.StateChanged(p, world.States[p].Current);
            CheckDeadLetters(world, p);
            CheckLedger(world, p);
            CheckDoors(world, p);
        }

        CheckTickets(world);
    }

    private static void CheckDeadLetters(World world, int partition)
    {
        foreach (var record in world.Oracle.Truth[partition].Records)
        {
            if (record.Info.State == CommandRecordState.Undecodable && !world.Oracle.IsDeadLetter(partition, record.Offset))
                throw new ViolationException("I3", $"{partition}:{record.Offset} is undecodable and not in the dead letters");
        }
    }

    private static void CheckLedger(World world, int partition)
    {
        var rules = world.Oracle.Rules[partition];
        var campaigns = world.Oracle.Truth[partition].Model.Campaigns.ToDictionary(c => c.CampaignId);
        var codes = new CouponCodes();
        var coupons = world.Database.Coupons.Where(c => c.Key.Partition == partition).ToDictionary();
        foreach (var issued in rules.Issued)
        {
            if (!coupons.Remove(issued.Address, out var row))
                throw new ViolationException("I5", $"the coupon issued at {issued.Address} is not in the ledger");
            var code = codes.Of(partition, issued.CampaignId, campaigns[issued.CampaignId].State, issued.Sequence);
            if ((row.CampaignId, row.UserId, row.Sequence, row.ClaimId, row.InstantMs, row.CouponCode)
                != (issued.CampaignId, issued.UserId, issued.Sequence, issued.ClaimId, issued.InstantMs, code))
                throw new ViolationException("I5", $"the ledger's row for {issued.Address} is not what was issued");
        }

        if (coupons.Count > 0)
            throw new ViolationException("I5", $"the ledger has a coupon at {coupons.Keys.First()} that was not issued");
        var counts = world.Database.RefusalCounts.Where(c => c.Key.Partition == partition).ToDictionary(c => (c.Key.CampaignId, c.Key.Reason), c => c.Value);
        foreach (var key in rules.Refused.Keys.Union(counts.Keys))
        {
            if (rules.Refused.GetValueOrDefault(key) != counts.GetValueOrDefault(key))
                throw new ViolationException("I5", $"the ledger counts {counts.GetValueOrDefault(key)} refusals of {key.CampaignId} as {key.Reason}, there were {rules.Refused.GetValueOrDefault(key)}");
        }

        foreach (var campaign in campaigns.Values)
        {
            if (!world.Database.Campaigns.TryGetValue(campaign.CampaignId, out var row) || row.State != campaign.State
                || row.Description != System.Text.Encoding.UTF8.GetString(campaign.Description.Span))
                throw new ViolationException("I5", $"the ledger's row of campaign {campaign.CampaignId} is not its state");
        }
    }

    private static void CheckDoors(World world, int partition)
    {
        foreach (var node in world.Nodes.Where(n => !n.IsDead))
        {
            foreach (var campaign in world.Oracle.Truth[partition].Model.Campaigns)
            {
                if (node.Door.FindCampaign(campaign.CampaignId) is not { } view || view.State != campaign.State || !view.Description.Span.SequenceEqual(campaign.Description.Span))
                    throw new ViolationException("I8", $"the door of {node.Name} does not know campaign {campaign.CampaignId} as it is");
            }
        }
    }

    private static void CheckTickets(World world)
    {
        foreach (var ticket in world.Answers.Tickets)
        {
            var claim = ticket.Claim;
            var found = world.Oracle.Truth[claim.Partition].ClaimAt(claim.Offset, claim.Index);
            var isThere = found is { } log && log.UserId == claim.UserId && log.ClaimId == claim.ClaimId && log.CampaignId == claim.CampaignId;
            if (!isThere && !world.Oracle.WasLost(claim))
                throw new ViolationException("I3", $"the claim {claim.Partition}:{claim.Offset}:{claim.Index} of {claim.UserId} was acknowledged and is not in the log");
            if (ticket.Final is null)
                throw new ViolationException("I3", $"the claim {claim.Partition}:{claim.Offset}:{claim.Index} of {claim.UserId} was acknowledged and never answered");
        }
    }
}
