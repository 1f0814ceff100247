using System.Diagnostics.CodeAnalysis;
using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Server.Auth;
using FlashSale.Server.Hosting;
using FlashSale.Server.Http;
using FlashSale.Server.Operations;

namespace FlashSale.Server.Coupons;

/// <summary>What the coupon endpoints share.</summary>
public sealed class Api(Node node, TicketSigner tickets, Callers callers, Telemetry telemetry, TimeProvider time, IHostApplicationLifetime lifetime)
{
    public TicketSigner Tickets => tickets;

    public Callers Callers => callers;

    public Telemetry Telemetry => telemetry;

    public TimeProvider Time => time;

    /// <summary>Cancelled when the host begins to stop: requests that only wait end then.</summary>
    public CancellationToken Stopping => lifetime.ApplicationStopping;

    /// <summary>The door, or the problem that there is none yet.</summary>
    public bool TryDoor([NotNullWhen(true)] out CouponDoor? door, [NotNullWhen(false)] out Problem? problem)
    {
        door = node.Door;
        problem = null;
        if (door is not null)
            return true;
        problem = Problem.Of(DoorRefusal.NotReady);
        telemetry.Refused(DoorRefusal.NotReady);
        return false;
    }
}
