using System.Globalization;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using FlashSale.Measure.Running;
using FlashSale.Server.Auth;
using FlashSale.Server.Coupons;
using FlashSale.Server.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlashSale.Measure.Twins;

/// <summary>
/// The front door's twin: the same transport and endpoint shape, the same parsing, validation, ticket and answer, and nothing behind them.
/// Runs in a process of its own, with the server's runtime settings.
/// </summary>
internal static class DoorTwin
{
    public static async Task<int> RunAsync(string url)
    {
        ServerHost.HandleOnSocketThreads();
        var builder = WebApplication.CreateBuilder();
        ServerHost.UseTransport(builder);
        builder.Services.AddSingleton(new AuthOptions { AllowOpen = true }).AddSingleton<Callers>()
            .AddSingleton(new TicketSigner(TicketOptions.Parse(TicketOptions.DevelopmentKeys)!));
        await using var app = builder.Build();
        var claims = new Claims(app.Services.GetRequiredService<Callers>(), app.Services.GetRequiredService<TicketSigner>());
        app.MapPost("/api/campaigns/{campaignId}/claims", claims.ClaimAsync).ShortCircuit();
        app.MapGet("/api/campaigns/{campaignId}", static (string campaignId) => new CampaignResponse(
            campaignId, campaignId, "open", CouponLimits.QuantityMax, 1, 0, CouponLimits.QuantityMax, null, null, null, new Lag(0, 0)));
        app.MapGet("/metrics", () => string.Create(CultureInfo.InvariantCulture,
            $"{Metrics.Accepted} {claims.Count}\n{Metrics.Allocated} {GC.GetTotalAllocatedBytes()}\n"));
        app.Urls.Add(url);
        await app.RunAsync();
        return 0;
    }

    /// <summary>Claims that are taken by saying so.</summary>
    private sealed class Claims(Callers callers, TicketSigner tickets)
    {
        private static readonly LogId Log = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"));

        private long _count;

        public long Count => Interlocked.Read(ref _count);

        public async Task ClaimAsync(HttpContext context, string campaignId)
        {
            var (userId, _, problem) = await ClaimEndpoints.ReadAsync(context, campaignId, callers);
            if (problem is not null)
            {
                await problem.ExecuteAsync(context);
                return;
            }

            var number = Interlocked.Increment(ref _count);
            var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            var ticket = new Ticket(new ClaimQuestion(Log, 0, number, 0, campaignId, userId!, (ulong)number, now), number);
            await AcceptedAnswer.WriteAsync(context, tickets, ticket, number);
        }
    }
}
