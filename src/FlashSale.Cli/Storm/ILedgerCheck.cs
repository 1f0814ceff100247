namespace FlashSale.Cli.Storm;

/// <summary>Looks into the ledger after a storm.</summary>
internal interface ILedgerCheck
{
    /// <summary>
    /// The number of coupons of this campaign in the ledger, once it has reached <paramref name="expected"/>;
    /// after a bounded wait, whatever number it has then.
    /// </summary>
    Task<long> CountCouponsAsync(string campaignId, long expected, CancellationToken cancellation);
}
