using System.Runtime.InteropServices;
using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>
/// Compares a partition's ledger with the model up to the mark that it had when the audit began: coupons row by row, as both come in the
/// order of a campaign's sequence numbers; counts of refusals and campaigns as of the mark.
/// </summary>
internal sealed class LedgerCompare(int partition, LedgerCut? cut, ILedgerSource source, Differences differences) : IDisposable
{
    private const string Source = "ledger";

    /// <summary>Rows asked for at a time; fewer where many campaigns have some waiting.</summary>
    private const int PageRowsMax = 5_000;

    /// <summary>Rows that wait to be compared, of all campaigns together, beside those that one record needs: some 20 MB.</summary>
    private const int RowsKeptMax = 100_000;

    /// <summary>A page takes no more than this part of what may still wait, so that none takes the room of all others.</summary>
    private const int PageShare = 16;

    private readonly Dictionary<string, CampaignRows> _campaigns = [];
    private readonly CampaignCodes _codes = new(partition);
    private int _kept;

    /// <summary>The last command record whose outcomes are written.</summary>
    public long Written => cut?.Mark.Written.Offset ?? 0;

    /// <summary>Rows compared.</summary>
    public long Rows { get; private set; }

    /// <summary>To be awaited before the coupons of a readable record, once the model has applied it.</summary>
    public async ValueTask FillAsync(LogRecord record, CouponModel model, CancellationToken cancel)
    {
        if (record.Offset > Written)
            return;
        foreach (var (campaignId, count) in CountCommands(record.Value.Span))
        {
            if (model.Find(campaignId) is not null)
                await FillAsync(campaignId, RowsOf(campaignId), count, cancel);
        }
    }

    /// <summary>A coupon that the model issues.</summary>
    public void Issued(RecordAddress address, CampaignModel campaign, in CouponCommandView claim, int sequence)
    {
        if (address.Offset > Written)
            return;
        var rows = RowsOf(campaign.CampaignId).Waiting;
        while (rows.TryPeek(out var before) && before.Sequence < sequence)
            Extra(Take(rows));
        if (!rows.TryPeek(out var row) || row.Sequence != sequence)
        {
            Add(address, "row of a coupon", $"{campaign.CampaignId} number {sequence + 1} of {Encoding.ASCII.GetString(claim.User)}", "none");
            return;
        }

        Take(rows);
        Rows++;
        Expect(address, "address", address, row.Address);
        if (!Ascii.Equals(claim.User, row.UserId))
            Add(address, "user", Encoding.ASCII.GetString(claim.User), row.UserId);
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
        var (last, mark) = await source.ReadEndAsync(partition, cancel);
        var behind = last.Select(static l => l.Offset).DefaultIfEmpty(-1).Max();
        if (behind > (mark?.Written.Offset ?? 0))
            Add($"{partition}:{behind}", "a coupon behind the mark", $"{mark?.Written.Offset ?? 0} at most", behind);
        foreach (var campaignId in last.Select(static l => l.CampaignId).Union(_campaigns.Keys).ToList())
            await DrainAsync(campaignId, cancel);
        if (Written > lastCommand)
            Add($"{partition}:{Written}", "offset written up to", $"{lastCommand} at most, the end of the log", Written);
        else if (Written > answered)
            Add($"{partition}:{Written}", "offset written up to", $"{answered} at most, the last one that an event answers", Written);
        if (cut?.Mark.EventOffset > eventsEnd)
            Add($"{partition}", "next event to be read", $"{eventsEnd} at most, the end of the events", cut.Mark.EventOffset);
    }

    public void Dispose() => _codes.Dispose();

    private static IEnumerable<KeyValuePair<string, int>> CountCommands(ReadOnlySpan<byte> record)
    {
        var commands = CouponRecord.Open(record);
        var counts = new int[commands.Campaigns.Length];
        while (commands.TryNext(out var command))
            counts[command.Campaign]++;
        return commands.Campaigns.Zip(counts, KeyValuePair.Create);
    }

    private CampaignRows RowsOf(string campaignId)
    {
        ref var rows = ref CollectionsMarshal.GetValueRefOrAddDefault(_campaigns, campaignId, out _);
        return rows ??= new CampaignRows();
    }

    private async ValueTask FillAsync(string campaignId, CampaignRows rows, int count, CancellationToken cancel)
    {
        while (!rows.IsAtEnd && rows.Waiting.Count < count)
        {
            var rowsMax = Math.Max(count, Math.Min(PageRowsMax, (RowsKeptMax - _kept) / PageShare));
            var page = await source.ReadCouponsAsync(campaignId, rows.After, rowsMax, cancel);
            foreach (var row in page)
                rows.Waiting.Enqueue(row);
            _kept += page.Count;
            rows.IsAtEnd = page.Count < rowsMax;
            if (page.Count > 0)
                rows.After = page[^1].Sequence;
        }
    }

    private LedgerCoupon Take(Queue<LedgerCoupon> rows)
    {
        _kept--;
        return rows.Dequeue();
    }

    /// <summary>
    /// What is left of a campaign: rows that have come since the audit began, and rows that should not be. Of a campaign that is not in this log
    /// only those that say they are of this partition.
    /// </summary>
    private async Task DrainAsync(string campaignId, CancellationToken cancel)
    {
        var isKnown = _campaigns.ContainsKey(campaignId);
        var rows = RowsOf(campaignId);
        do
        {
            await FillAsync(campaignId, rows, 1, cancel);
            while (rows.Waiting.Count > 0)
            {
                var row = Take(rows.Waiting);
                if (row.Address.Offset <= Written && (isKnown || row.Address.Partition == partition))
                    Extra(row);
            }
        }
        while (!rows.IsAtEnd);
        _campaigns.Remove(campaignId);
    }

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

    private static string NameOf(string campaignId) => campaignId.Length == 0 ? "records that cannot be read" : campaignId;

    /// <summary>A campaign's rows that have been read and not been compared.</summary>
    private sealed class CampaignRows
    {
        public Queue<LedgerCoupon> Waiting { get; } = [];

        // A row that was entered by hand may have a number below the first one.
        public int After { get; set; } = int.MinValue;

        public bool IsAtEnd { get; set; }
    }
}
