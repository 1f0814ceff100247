using System.CommandLine;
using System.Globalization;
using FlashSale.Cli.Ledger;
using FlashSale.Core.Ledger;
using FlashSale.MySql;

namespace FlashSale.Cli.Campaigns;

/// <summary>flashsale campaign winners</summary>
internal static class WinnersCommand
{
    public static Command Create()
    {
        var command = new ExampleCommand(
            "winners",
            "Prints who got a coupon, as CSV from the ledger, in the order of service.",
            "flashsale campaign winners spring > winners.csv");
        Argument<string> id = SharedOptions.CampaignId();
        Option<string?> ledger = LedgerConnection.Option();
        command.Arguments.Add(id);
        command.Options.Add(ledger);
        command.SetAction(async (parsed, cancellation) =>
        {
            using MySqlLedger database = LedgerConnection.Open(parsed, ledger)
                ?? throw new CliException("where is the ledger? Give --ledger CONNECTION or set FLASHSALE_MYSQL.");
            await PrintAsync(new LedgerQueries(database), parsed.GetValue(id)!, parsed.InvocationConfiguration.Output, cancellation);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task PrintAsync(LedgerQueries queries, string campaignId, TextWriter output, CancellationToken cancellation)
    {
        try
        {
            // Ids and codes have no character that CSV would have to quote (RFC 4180).
            await output.WriteLineAsync("number,userId,couponCode,claimedAt,partition,offset,index");
            long count = 0;
            await foreach (LedgerCoupon coupon in queries.WinnersAsync(campaignId, cancellation))
            {
                string at = DateTimeOffset.FromUnixTimeMilliseconds(coupon.InstantMs).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
                await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                    $"{coupon.Sequence + 1},{coupon.UserId},{coupon.CouponCode},{at},{coupon.Address.Partition},{coupon.Address.Offset},{coupon.Address.Index}"));
                count++;
            }

            if (count == 0)
                throw new CliException($"the ledger has no coupon of campaign {campaignId}.");
        }
        catch (LedgerUnavailableException e)
        {
            throw new CliException($"the ledger cannot be read: {e.Message}", e);
        }
    }
}
