using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>
/// I1, I2 and I8 of the outcomes as they were told, from their definitions and not from the rules' code: quantity and perUser in
/// force follow from the commands that changed them, what is issued is counted here.
/// </summary>
internal sealed class InvariantCheck(CouponModel model, Differences differences)
{
    private readonly Dictionary<string, Sale> _sales = [];

    /// <summary>Begins a record: looks its campaigns up once.</summary>
    public Sale[] Open(string[] campaigns)
    {
        var sales = new Sale[campaigns.Length];
        for (var i = 0; i < sales.Length; i++)
        {
            if (!_sales.TryGetValue(campaigns[i], out var sale))
                _sales.Add(campaigns[i], sale = new Sale(campaigns[i]));
            sales[i] = sale;
        }

        return sales;
    }

    /// <summary>Whether there was an address at which all of the campaign was issued.</summary>
    public bool WasSoldOut(string campaignId) => _sales.TryGetValue(campaignId, out var sale) && sale.WasSoldOut;

    public void Command(RecordAddress address, Sale sale, in CouponCommandView command, CouponOutcome told)
    {
        switch (told)
        {
            case CouponOutcome.CampaignOpened or CouponOutcome.CampaignChanged:
                sale.Quantity = command.Quantity;
                sale.PerUser = command.PerUser;
                sale.WasSoldOut |= sale.Issued >= sale.Quantity;
                if (sale.Issued > sale.Quantity)
                    differences.Add(Invariant.I1, "events", address, $"the quantity of {sale.CampaignId} fell below what was issued", $"{sale.Issued} or more", sale.Quantity);
                break;
            case CouponOutcome.Issued:
                Issued(address, sale, command);
                break;
            case CouponOutcome.SoldOut when sale.Issued < sale.Quantity:
                differences.Add(Invariant.I8, "events", address, $"refused as sold out, {sale.CampaignId} has {sale.Quantity}", "issued", $"sold-out with {sale.Issued} issued");
                break;
        }
    }

    private void Issued(RecordAddress address, Sale sale, in CouponCommandView command)
    {
        sale.Issued++;
        sale.WasSoldOut |= sale.Issued >= sale.Quantity;
        if (sale.Issued > sale.Quantity)
            differences.Add(Invariant.I1, "events", address, $"issued of {sale.CampaignId}", $"{sale.Quantity} at most", sale.Issued);
        var held = 1;
        if (model.Find(sale.CampaignId) is { } campaign)
        {
            foreach (var coupon in campaign.Holdings.Of(command.User))
            {
                var entry = ClaimEntry.Read(coupon);
                if (entry.IsAtOrBefore(address.Offset, address.Index) && (entry.Offset, entry.Index) != (address.Offset, address.Index))
                    held++;
            }
        }

        if (held > sale.PerUser)
            differences.Add(Invariant.I2, "events", address, $"coupons of {sale.CampaignId} that the user holds", $"{sale.PerUser} at most", held);
    }

    /// <summary>A campaign as it is counted here.</summary>
    internal sealed class Sale(string campaignId)
    {
        public string CampaignId => campaignId;

        public long Quantity { get; set; }

        public long PerUser { get; set; }

        public long Issued { get; set; }

        /// <summary>Whether there was an instant at which nothing was left.</summary>
        public bool WasSoldOut { get; set; }
    }
}
