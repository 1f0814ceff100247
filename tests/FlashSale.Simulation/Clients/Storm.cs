using FlashSale.Core.Coupons;

namespace FlashSale.Simulation.Clients;

/// <summary>All the people of a run: users who claim and ask, and somebody who opens, changes and closes campaigns.</summary>
internal sealed class Storm(World world)
{
    private readonly TicketSigner _signer = new([(1, "the secret of a simulation"u8.ToArray())]);
    private int _active;

    /// <summary>Whether everybody has done what they wanted.</summary>
    public bool IsOver => _active == 0;

    public void Start()
    {
        var desk = new Desk(world, _signer);
        Begin(new Organizer(world).RunAsync);
        foreach (var user in world.Users)
            Begin(new Claimant(world, desk, user).RunAsync);
    }

    /// <summary>Every ticket is looked at once more, at every door.</summary>
    public void StartLastLook()
    {
        var desk = new Desk(world, _signer);
        foreach (var node in world.Nodes.Where(n => !n.IsDead))
        {
            Begin(async () =>
            {
                foreach (var ticket in world.Answers.Tickets)
                    await desk.LookAsync(node, ticket, TimeSpan.FromSeconds(1));
            });
        }
    }

    private void Begin(Func<Task> work)
    {
        _active++;
        world.Domain.Start(async () =>
        {
            await work();
            _active--;
        });
    }
}
