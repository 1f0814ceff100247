using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Simulation.Scheduling;

namespace FlashSale.Simulation.Clients;

/// <summary>Opens the campaigns, changes them in every way, closes and reopens them.</summary>
internal sealed class Organizer(World world)
{
    private int _changes;

    public async Task RunAsync()
    {
        foreach (var campaign in world.Campaigns)
            await PutAsync(campaign);
        for (var changes = world.Random.Between(0, 8); changes > 0; changes--)
        {
            await world.Domain.DelayAsync(world.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(2)));
            var campaign = world.Random.Of(world.Campaigns);
            if (world.Random.Chance(0.25))
                await AskAsync(node => node.Door.CloseCampaignAsync(campaign, CancellationToken.None));
            else
                await PutAsync(campaign);
        }
    }

    private Task PutAsync(string campaign)
    {
        var now = (VirtualTime.Origin + world.Scheduler.Now).ToUnixTimeMilliseconds();
        var settings = new CampaignSettings(
            world.Random.Between(1, 6), world.Random.Between(1, 3),
            world.Random.Chance(0.85) ? 0 : now + world.Random.Between(-2_000, 2_000),
            world.Random.Chance(0.85) ? 0 : now + world.Random.Between(-1_000, 4_000),
            Encoding.UTF8.GetBytes($$"""{"name":"{{campaign}} {{_changes++}}"}"""));
        return AskAsync(node => node.Door.PutCampaignAsync(campaign, settings, CancellationToken.None));
    }

    private async Task AskAsync(Func<Nodes.Node, Task<Core.Door.CampaignChanged>> ask)
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var alive = world.Nodes.Where(n => !n.IsDead).ToList();
            if (alive.Count > 0)
            {
                var node = world.Random.Of(alive);
                try
                {
                    var changed = await node.AskAsync(world, () => ask(node));
                    world.Trace(node.Name, $"change: {changed.Refusal} {changed.Outcome}");
                    if (changed.Refusal == Core.Door.DoorRefusal.None)
                        return;
                }
                catch (NoAnswerException)
                {
                    // It may be in the log.
                }
            }

            await world.Domain.DelayAsync(world.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(0.5)));
        }
    }
}
