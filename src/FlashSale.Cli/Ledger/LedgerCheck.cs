using FlashSale.Cli.Storm;
using FlashSale.Core.Ledger;
using FlashSale.MySql;

namespace FlashSale.Cli.Ledger;

/// <summary>Counts a campaign's coupons in the database, giving the ledger time to catch up.</summary>
internal sealed class LedgerCheck(LedgerQueries queries, TimeProvider time) : ILedgerCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    public async Task<long> CountCouponsAsync(string campaignId, long expected, CancellationToken cancellation)
    {
        long started = time.GetTimestamp();
        try
        {
            while (true)
            {
                long count = await queries.CouponCountAsync(campaignId, cancellation);
                if (count >= expected || time.GetElapsedTime(started) > Patience)
                    return count;
                await Task.Delay(Pause, time, cancellation);
            }
        }
        catch (LedgerUnavailableException e)
        {
            throw new CliException($"the ledger cannot be looked at: {e.Message}", e);
        }
    }
}
