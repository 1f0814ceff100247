using FlashSale.Core.Door;
using FlashSale.Simulation.Oracle;

namespace FlashSale.Simulation.Clients;

/// <summary>A user: claims, repeats and retries claims, and asks what has become of them.</summary>
internal sealed class Claimant(World world, Desk desk, string user)
{
    private readonly List<GivenTicket> _tickets = [];
    private readonly List<string> _keys = [];

    public async Task RunAsync()
    {
        for (var claims = world.Random.Between(2, 8); claims > 0; claims--)
        {
            await world.Domain.DelayAsync(world.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(world.Random.Chance(0.2) ? 3 : 0.3)));
            await ClaimAsync(world.Random.Of(world.Campaigns), Key());
            if (_tickets.Count > 0 && world.Random.Chance(0.7))
                await TryAsync(node => desk.LookAsync(node, world.Random.Of(_tickets), world.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(2))));
            if (_tickets.Count > 0 && world.Random.Chance(0.05))
                await TryAsync(node => desk.ForgeAsync(node, world.Random.Of(_tickets)));
        }
    }

    /// <summary>None, a new one, or one used before.</summary>
    private string? Key()
    {
        if (world.Random.Chance(0.4))
            return null;
        if (_keys.Count == 0 || world.Random.Chance(0.6))
            _keys.Add($"{user}-{_keys.Count}");
        return world.Random.Of(_keys);
    }

    private async Task ClaimAsync(string campaignId, string? key)
    {
        for (var attempt = 0; attempt < 4; attempt++)
        {
            var refusal = DoorRefusal.LogUnavailable;
            await TryAsync(async node =>
            {
                var (ticket, why) = await desk.ClaimAsync(node, campaignId, user, key);
                if (ticket is not null)
                    _tickets.Add(ticket);
                refusal = why;
            });
            if (refusal is not (DoorRefusal.LogUnavailable or DoorRefusal.NotReady or DoorRefusal.Overloaded or DoorRefusal.CampaignUnknown))
                return;
            await world.Domain.DelayAsync(world.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(1)));
        }
    }

    /// <summary>Asks any process that lives; one that gives no answer is let be.</summary>
    private async Task TryAsync(Func<Nodes.Node, Task> ask)
    {
        var alive = world.Nodes.Where(n => !n.IsDead).ToList();
        if (alive.Count == 0)
            return;
        try
        {
            await ask(world.Random.Of(alive));
        }
        catch (NoAnswerException)
        {
            // Whether it was taken, the user does not know.
        }
    }
}
