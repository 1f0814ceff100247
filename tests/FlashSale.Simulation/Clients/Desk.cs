using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Simulation.Nodes;
using FlashSale.Simulation.Oracle;

namespace FlashSale.Simulation.Clients;

/// <summary>What the HTTP endpoints do around the door: sign tickets, and read them back. Checks what a door refuses.</summary>
internal sealed class Desk(World world, TicketSigner signer)
{
    /// <summary>Claims; the ticket, or null where the door has refused, with why.</summary>
    public async Task<(GivenTicket? Ticket, DoorRefusal Refusal)> ClaimAsync(Node node, string campaignId, string userId, string? key)
    {
        var door = node.Door;
        var follower = door.FollowerOf(campaignId);
        var shown = 0L;
        var taken = await node.AskAsync(world, async () =>
        {
            shown = node.Shown(follower.Partition);
            var answer = await door.ClaimAsync(campaignId, userId, key);
            if (answer.Refusal is DoorRefusal.SoldOut or DoorRefusal.CampaignUnknown)
                CheckRefusal(node, campaignId, shown, answer.Refusal);
            if (answer.Refusal is DoorRefusal.SoldOut or DoorRefusal.Closed or DoorRefusal.NotOpen)
                CheckWinner(node, campaignId, userId, key, shown);
            return answer;
        });
        world.Trace(node.Name, $"claim {campaignId} {userId} {key ?? "-"}: {(taken.Refusal == DoorRefusal.None ? $"{taken.Ticket.Claim.Partition}:{taken.Ticket.Claim.Offset}:{taken.Ticket.Claim.Index}" : taken.Refusal)}");
        return taken.Refusal == DoorRefusal.None
            ? (world.Answers.Given(signer.Sign(taken.Ticket), taken.Ticket, key), DoorRefusal.None)
            : (null, taken.Refusal);
    }

    /// <summary>Asks for a ticket's outcome.</summary>
    public async Task LookAsync(Node node, GivenTicket ticket, TimeSpan wait)
    {
        if (!signer.TryRead(ticket.Text, out var read))
            throw new ViolationException("I6", "a ticket that was signed cannot be read");
        var status = await node.AskAsync(world, () => node.Door.StatusAsync(read.Value, wait, CancellationToken.None))
            ?? throw new ViolationException("I6", "a ticket of this log is unknown");
        world.Answers.Answered(ticket, status, node.Name);
    }

    /// <summary>Shows a ticket that nobody has signed, and one of another installation that was signed with the same secret.</summary>
    public async Task ForgeAsync(Node node, GivenTicket ticket)
    {
        var bytes = System.Buffers.Text.Base64Url.DecodeFromChars(ticket.Text);
        bytes[2 + world.Random.Below(bytes.Length - 2)] ^= (byte)(1 << world.Random.Below(8));
        if (signer.TryRead(System.Buffers.Text.Base64Url.EncodeToString(bytes), out _))
            throw new ViolationException("I6", "a ticket was changed by its owner and is answered as if it had been given to him");

        var foreign = new Ticket(ticket.Claim with { Log = world.NewLogId() }, 0);
        if (await node.AskAsync(world, () => node.Door.StatusAsync(foreign, TimeSpan.Zero, CancellationToken.None)) is not null)
            throw new ViolationException("I6", "a ticket of another log is answered from this one");
    }

    /// <summary>I8 at the door: what it refuses must have been so at an address that it has not shown to be passed.</summary>
    private void CheckRefusal(Node node, string campaignId, long shown, DoorRefusal refusal)
    {
        var follower = node.Door.FollowerOf(campaignId);
        var records = world.Oracle.Truth[follower.Partition].Records;
        for (var at = shown; at <= Math.Max(shown, follower.Mark) && at < records.Count; at++)
        {
            var campaign = records[(int)at].Campaigns.FirstOrDefault(c => c.CampaignId == campaignId);
            if (refusal == DoorRefusal.CampaignUnknown ? campaign is null : campaign is { State.IsSoldOut: true })
                return;
        }

        throw new ViolationException("I8", $"the door of {node.Name} refuses a claim of {campaignId} as {refusal}, which it was not at {shown} nor after it");
    }

    /// <summary>Whoever has won and asks again with his key gets his coupon, not a refusal.</summary>
    private void CheckWinner(Node node, string campaignId, string userId, string? key, long shown)
    {
        var won = key is null ? null : world.Answers.Tickets.Find(t =>
            t.Key == key && t.Claim.UserId == userId && t.Claim.CampaignId == campaignId && t.Final?.Outcome == CouponOutcome.Issued);
        if (won is not null && won.Claim.Offset <= shown)
            throw new ViolationException("I6", $"{userId} has won with key {key} at offset {won.Claim.Offset}, and {node.Name} refuses the same claim");
    }
}
