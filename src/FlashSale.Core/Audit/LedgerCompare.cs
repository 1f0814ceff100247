using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>
/// Compares a partition's ledger with the model up to the mark that it had when the audit began: coupons row by row, as both come in the
/// order of addresses; counts of refusals and campaigns as of the mark.
/// </summary>
internal sealed class LedgerCompare(int partition, LedgerCut? cut, ILedgerSource source, Differences differences) : IDisposable
{
    private const string Source = "ledger";

    /// <summary>Rows asked for at a time; more than a record may issue, so that one page is enough for it.</summary>
    private const int PageRows = 5_000;

    private readonly Queue<LedgerCoupon> _rows = [];
    private readonly CampaignCodes _codes = new(partition);
    private (long Offset, int Index) _after = (-1, -1);
    private bool _isAtEnd;

    /// <summary>The last command record whose outcomes are written.</summary>
    public long Written => cut?.Mark.Written.Offset ?? 0;

    /// <summary>Rows compared.</summary>
    public long Rows { get; private set; }

    /// <summary>To be awaited before the coupons of a record.</summary>
    public async ValueTask FillAsync(int commands, CancellationToken cancel)
    {
        while (!_isAtEnd && _rows.Count < commands)
        {
            var page = await source.ReadCouponsAsync(partition, _after.Offset, _after.Index, PageRows, cancel);
            foreach (var row in page)
                _rows.Enqueue(row);
            _isAtEnd = page.Count < PageRows;
            if (page.Count > 0)
                _after = (page[^1].Address.Offset, page[^1].Address.Index);
        }
    }

    /// <summary>A coupon that the model issues.</summary>
    public void Issued(RecordAddress address, CampaignModel campaign, in CouponCommandView claim, int sequence)
    {
        if (address.Offset > Written)
            return;
        while (_rows.TryPeek(out var before) && IsBefore(before.Address, address))
            Extra(_rows.Dequeue());
        if (!_rows.TryPeek(out var row) || row.Address != address)
        {
            Add(address, "row of a coupon", $"{campaign.CampaignId} number {sequence + 1} of {Encoding.ASCII.GetString(claim.User)}", "none");
            return;
        }

        _rows.Dequeue();
        Rows++;
        Expect(address, "campaign", campaign.CampaignId, row.CampaignId);
        if (!Ascii.Equals(claim.User, row.UserId))
            Add(address, "user", Encoding.ASCII.GetString(claim.User), row.UserId);
        Expect(address, "sequence number", sequence, row.Sequence);
        Expect(address, "coupon code", _codes.Encode(campaign.State, sequence), row.CouponCode);
        Expect(address, "claim id", claim.ClaimId, row.ClaimId);
        Expect(address, "instant", claim.InstantMs, row.InstantMs);
    }

    /// <summary>Called for every record, after its coupons.</summary>
    public void Record(RecordPosition record, CouponModel model, IEnumerable<CampaignTally> tallies)
    {
        if (cut is null || record.Offset != cut.Mark.Written.Offset)
            return;
        var at = $"{partition}:{record.Offset}";
        if (record.Offset > 0)
            Expect(at, "record written last", record.Record, cut.Mark.Written.Record);
        CompareCounts(at, tallies);
        CompareCampaigns(at, model);
    }

    /// <summary>After the last record.</summary>
    public async Task EndAsync(long lastCommand, long answered, long eventsEnd, CancellationToken cancel)
    {
        await FillAsync(1, cancel);
        while (_rows.TryPeek(out var row) && row.Address.Offset <= Written)
        {
            Extra(_rows.Dequeue());
            await FillAsync(1, cancel);
        }

        var (last, mark) = await source.ReadEndAsync(partition, cancel);
        if (last > (mark?.Written.Offset ?? 0))
            Add($"{partition}:{last}", "a coupon behind the mark", $"{mark?.Written.Offset ?? 0} at most", last);
        if (Written > lastCommand)
            Add($"{partition}:{Written}", "offset written up to", $"{lastCommand} at most, the end of the log", Written);
        else if (Written > answered)
            Add($"{partition}:{Written}", "offset written up to", $"{answered} at most, the last one that an event answers", Written);
        if (cut?.Mark.EventOffset > eventsEnd)
            Add($"{partition}", "next event to be read", $"{eventsEnd} at most, the end of the events", cut.Mark.EventOffset);
    }

    public void Dispose() => _codes.Dispose();

    private void CompareCounts(string at, IEnumerable<CampaignTally> tallies)
    {
        var found = cut!.Refusals.GroupBy(c => (c.CampaignId, c.Reason)).ToDictionary(c => c.Key, c => c.Sum(r => r.Count));
        foreach (var tally in tallies)
        {
            foreach (var (outcome, count) in tally.NotIssued)
            {
                found.Remove((tally.CampaignId, outcome), out var written);
                Expect(at, $"claims of {NameOf(tally.CampaignId)} with {outcome.Name()}", count, written);
            }
        }

        foreach (var ((campaignId, reason), count) in found)
            Expect(at, $"claims of {NameOf(campaignId)} with {(reason == CouponOutcome.None ? "a reason that does not exist" : reason.Name())}", 0L, count);
    }

    private void CompareCampaigns(string at, CouponModel model)
    {
        var found = cut!.Campaigns.ToDictionary(c => c.CampaignId);
        foreach (var campaign in model.Campaigns)
        {
            if (!found.Remove(campaign.CampaignId, out var row))
            {
                Add(at, $"campaign {campaign.CampaignId}", CampaignText.Of(campaign.State), "none");
                continue;
            }

            // The ledger does not keep the seed.
            var state = campaign.State with { Seed = default };
            if (row.State != state || row.Partition != partition)
                Add(at, $"campaign {campaign.CampaignId}", $"partition {partition}, {CampaignText.Of(state)}", $"partition {row.Partition}, {CampaignText.Of(row.State)}");
            Expect(at, $"description of {campaign.CampaignId}", Encoding.UTF8.GetString(campaign.Description.Span), row.Description ?? "");
        }

        foreach (var row in found.Values)
            Add(at, $"campaign {row.CampaignId}", "none", CampaignText.Of(row.State));
    }

    private void Extra(LedgerCoupon row)
    {
        Rows++;
        Add(row.Address, "row of a coupon", "none", $"{row.CampaignId} number {row.Sequence + 1} of {row.UserId}");
    }

    // Generic in both, so that what is as expected makes no object.
    private void Expect<TWhere, T>(TWhere where, string what, T expected, T found)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, found))
            Add(where!, what, expected!, found!);
    }

    private void Add(object where, string what, object expected, object found) =>
        differences.Add(Invariant.I5, Source, where, what, expected, found);

    private static bool IsBefore(RecordAddress a, RecordAddress b) => (a.Offset, a.Index).CompareTo((b.Offset, b.Index)) < 0;

    private static string NameOf(string campaignId) => campaignId.Length == 0 ? "records that cannot be read" : campaignId;
}
