using System.Diagnostics;
using System.Threading.Channels;

namespace FlashSale.Integration.Tests.Harness;

/// <summary>
/// Many users who claim at a steady rate until the storm is stopped: of a hundred claims, five come from a user who has claimed
/// before, and five carry an idempotency key and are sent twice.
/// </summary>
internal sealed class Storm : IAsyncDisposable
{
    private const int Workers = 64;

    /// <summary>Claims that wait for a worker; what does not fit is not sent, as the doors hang.</summary>
    private const int QueueMax = 500;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly Channel<(string Campaign, string User, string? Key)> _claims = Channel.CreateBounded<(string, string, string?)>(QueueMax);
    private readonly CancellationTokenSource _stop = new();
    private readonly Sale _sale;
    private readonly Task _all;

    private Storm(Sale sale, IReadOnlyList<string> campaigns, int perSecond)
    {
        _sale = sale;
        _all = Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => Task.Run(SendAsync)).Append(Task.Run(() => PaceAsync(campaigns, perSecond))));
    }

    public static Storm Begin(Sale sale, int perSecond, params IReadOnlyList<string> campaigns) => new(sale, campaigns, perSecond);

    /// <summary>Waits until so many more claims have been accepted.</summary>
    public Task<TimeSpan> AcceptedAsync(int more, TimeSpan within)
    {
        var until = _sale.AcceptedCount + more;
        return Wait.UntilAsync($"{more} more claims are accepted", within, () =>
            Task.FromResult(_sale.AcceptedCount >= until ? null : $"{_sale.AcceptedCount - until + more} were ({_sale.Summary})"));
    }

    /// <summary>Waits until so many more claims have been answered, by a 202 or as sold out.</summary>
    public Task<TimeSpan> AcceptedOrRefusedAsync(int more, TimeSpan within)
    {
        var until = _sale.AcceptedCount + _sale.Refused("sold-out") + more;
        return Wait.UntilAsync($"{more} more claims are answered", within, () => _sale.AcceptedCount + _sale.Refused("sold-out") >= until);
    }

    /// <summary>Ends when every claim sent has been answered.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _all;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task SendAsync()
    {
        await foreach (var (campaign, user, key) in _claims.Reader.ReadAllAsync())
            await _sale.ClaimAsync(campaign, user, key);
    }

    private async Task PaceAsync(IReadOnlyList<string> campaigns, int perSecond)
    {
        var clock = Stopwatch.StartNew();
        var last = TimeSpan.Zero;
        var due = 0.0;
        var number = 0;
        using var timer = new PeriodicTimer(Tick);
        while (!_stop.IsCancellationRequested)
        {
            var now = clock.Elapsed;
            for (due += perSecond * (now - last).TotalSeconds; due >= 1; due--)
                Offer(campaigns, number++);
            last = now;
            await timer.WaitForNextTickAsync();
        }

        _claims.Writer.Complete();
    }

    private void Offer(IReadOnlyList<string> campaigns, int number)
    {
        var campaign = campaigns[number % campaigns.Count];
        // Campaigns take turns, so that a multiple of their number back is the same campaign.
        var kind = number / campaigns.Count % 20;
        var user = kind == 19 ? number - 10 * campaigns.Count : number;
        var claim = (campaign, $"user-{user}", kind == 9 ? $"key-{number}" : null);
        _claims.Writer.TryWrite(claim);
        if (claim.Item3 is not null)
            _claims.Writer.TryWrite(claim);
    }
}
