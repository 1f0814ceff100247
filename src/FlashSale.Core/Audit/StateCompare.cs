using System.Buffers.Binary;
using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>
/// Compares a partition's state with the model at the offset that was applied when the audit began. Coupons are never removed and carry
/// their addresses, so that those issued later are left out and the sale may go on meanwhile.
/// </summary>
internal sealed class StateCompare(LogId log, int partition, StateCut cut, IStateSource source, Differences differences)
{
    private const string Source = "redis";

    /// <summary>Users asked for at a time: what a script answers without keeping others waiting.</summary>
    private const int UsersMax = 1_000;

    public RecordPosition Applied => cut.Applied;

    /// <summary>Called for every record, with the outcomes that the model gives it.</summary>
    public void Record(RecordPosition record, long commands, ReadOnlySpan<byte> outcomes, CouponModel model)
    {
        if (cut.Recent.TryGetValue(record.Offset, out var kept) && !outcomes.SequenceEqual(kept))
            Add(Invariant.I7, $"{partition}:{record.Offset}", "outcomes kept for telling them", $"{outcomes.Length} bytes as decided", $"{kept.Length} bytes that differ");
        if (record.Offset != cut.Applied.Offset)
            return;
        Expect("record applied last", record.Record, cut.Applied.Record);
        Expect("commands decided", commands, cut.Commands);
        CompareCampaigns(model);
    }

    /// <summary>After the last record.</summary>
    public async Task EndAsync(long lastCommand, long answered, CouponModel model, CancellationToken cancel)
    {
        if (cut.Applied.Offset > lastCommand)
        {
            Expect("offset applied", $"{lastCommand} at most, the end of the log", cut.Applied.Offset);
            return;
        }

        if (cut.Told > answered)
            Expect("offset told", $"{answered} at most, the last one that an event answers", cut.Told);
        CompareRecent();
        await FindMissingAsync(model, cancel);
        await CompareHeldAsync(model, cancel);
    }

    private void CompareRecent()
    {
        for (var offset = cut.Told + 1; offset <= cut.Applied.Offset; offset++)
        {
            if (!cut.Recent.ContainsKey(offset))
                Add(Invariant.I7, $"{partition}:{offset}", "outcomes kept until they are told", "kept", "missing");
        }

        foreach (var offset in cut.Recent.Keys.Where(o => o <= cut.Told || o > cut.Applied.Offset).Order())
            Add(Invariant.I7, $"{partition}:{offset}", "outcomes kept until they are told", "none", "kept");
    }

    private void CompareCampaigns(CouponModel model)
    {
        var found = cut.Campaigns.ToDictionary(c => c.CampaignId);
        Span<byte> state = stackalloc byte[CampaignState.Size];
        foreach (var campaign in model.Campaigns)
        {
            if (!found.Remove(campaign.CampaignId, out var stored))
            {
                Add(Invariant.I7, At(), $"campaign {campaign.CampaignId}", CampaignText.Of(campaign.State), "missing");
                continue;
            }

            campaign.State.Write(state);
            if (!stored.State.Span.SequenceEqual(state))
                Add(Invariant.I7, At(), $"campaign {campaign.CampaignId}", CampaignText.Of(campaign.State), CampaignText.Of(stored.State.Span));
            if (!stored.Description.Span.SequenceEqual(campaign.Description.Span))
                Add(Invariant.I7, At(), $"description of {campaign.CampaignId}", Encoding.UTF8.GetString(campaign.Description.Span), Encoding.UTF8.GetString(stored.Description.Span));
            if (campaign.PackChanges() is var changes && !stored.Changes.Span.SequenceEqual(changes))
                Add(Invariant.I7, At(), $"changes of {campaign.CampaignId} by address", Convert.ToHexStringLower(changes), Convert.ToHexStringLower(stored.Changes.Span));
        }

        foreach (var extra in found.Values)
            Add(Invariant.I7, At(), $"campaign {extra.CampaignId}", "none", CampaignText.Of(extra.State.Span));
    }

    /// <summary>Users who hold coupons by the model, and none that a claim of theirs would find.</summary>
    private async Task FindMissingAsync(CouponModel model, CancellationToken cancel)
    {
        foreach (var campaign in model.Campaigns)
        {
            for (var walk = campaign.Holdings.Walk(); ;)
            {
                cancel.ThrowIfCancellationRequested();
                var fields = NextFields(campaign, ref walk);
                if (fields.Count == 0)
                    break;
                foreach (var user in (await source.ReadUsersAsync(partition, log, fields)).Where(u => u.Coupons is null))
                    CompareUser(campaign, user);
            }
        }
    }

    private List<byte[]> NextFields(CampaignModel campaign, ref CouponHoldings.UserWalk walk)
    {
        var fields = new List<byte[]>(UsersMax);
        while (fields.Count < UsersMax && walk.MoveNext())
        {
            var coupons = walk.Coupons;
            coupons.MoveNext();
            if (ClaimEntry.OffsetOf(coupons.Current) <= cut.Applied.Offset)
                fields.Add(FieldOf(campaign.State.Number, walk.User));
        }

        return fields;
    }

    /// <summary>All that anybody holds, whether or not a claim would find it.</summary>
    private async Task CompareHeldAsync(CouponModel model, CancellationToken cancel)
    {
        // A scan may yield the same twice; beyond so many, a difference may count twice.
        var different = new HashSet<string>();
        var cursor = 0L;
        do
        {
            cancel.ThrowIfCancellationRequested();
            (cursor, var users) = await source.ScanUsersAsync(partition, log, cursor);
            foreach (var user in users)
            {
                var campaign = user.Field.Length > 2 && BinaryPrimitives.ReadUInt16BigEndian(user.Field) is var number && number < model.Campaigns.Count ? model.Campaigns[number] : null;
                if (!IsAsExpected(campaign, user) && (different.Count >= Differences.KeptMax || different.Add(Convert.ToHexString(user.Field))))
                    CompareUser(campaign, user);
            }
        }
        while (cursor != 0);
    }

    private bool IsAsExpected(CampaignModel? campaign, StateUser user)
    {
        ReadOnlySpan<byte> stored = user.Coupons;
        if (campaign is not null)
        {
            foreach (var coupon in campaign.Holdings.Of(user.Field.AsSpan(2)))
            {
                if (ClaimEntry.OffsetOf(coupon) > cut.Applied.Offset)
                    break;
                if (!stored.StartsWith(coupon))
                    return false;
                stored = stored[ClaimEntry.Size..];
            }
        }

        while (stored.Length >= ClaimEntry.Size && ClaimEntry.OffsetOf(stored) > cut.Applied.Offset)
            stored = stored[ClaimEntry.Size..];
        return stored.IsEmpty;
    }

    private void CompareUser(CampaignModel? campaign, StateUser user)
    {
        var stored = user.Coupons.AsSpan();
        var expected = campaign is null ? [] : Coupons(campaign, user.Field.AsSpan(2));
        var found = UpToCut(stored);
        var held = $"of {campaign?.CampaignId ?? "no campaign"} that {UserOf(user.Field)} holds";
        if (stored.Length % ClaimEntry.Size != 0)
            Add(Invariant.I7, At(), $"coupons {held}", $"pieces of {ClaimEntry.Size} bytes", $"{stored.Length} bytes");
        for (var i = 0; i < Math.Max(expected.Count, found.Count); i++)
        {
            var (must, has) = (i < expected.Count ? Text(expected[i]) : "none", i < found.Count ? Text(found[i]) : "none");
            if (must != has)
                Add(Invariant.I7, Where(i < expected.Count ? expected[i] : found[i]), $"coupon {i + 1} {held}", must, has);
        }
    }

    private List<ClaimEntry> Coupons(CampaignModel campaign, ReadOnlySpan<byte> user)
    {
        var coupons = new List<ClaimEntry>(1);
        foreach (var coupon in campaign.Holdings.Of(user))
        {
            if (ClaimEntry.OffsetOf(coupon) <= cut.Applied.Offset)
                coupons.Add(ClaimEntry.Read(coupon));
        }

        return coupons;
    }

    private List<ClaimEntry> UpToCut(ReadOnlySpan<byte> stored)
    {
        var coupons = new List<ClaimEntry>(1);
        for (; stored.Length >= ClaimEntry.Size; stored = stored[ClaimEntry.Size..])
        {
            if (ClaimEntry.OffsetOf(stored) <= cut.Applied.Offset)
                coupons.Add(ClaimEntry.Read(stored));
        }

        return coupons;
    }

    private static byte[] FieldOf(int number, ReadOnlySpan<byte> user)
    {
        var field = new byte[2 + user.Length];
        BinaryPrimitives.WriteUInt16BigEndian(field, (ushort)number);
        user.CopyTo(field.AsSpan(2));
        return field;
    }

    private void Expect(string what, object expected, object found)
    {
        if (!expected.Equals(found))
            Add(Invariant.I7, At(), what, expected, found);
    }

    private void Add(Invariant invariant, string where, string what, object expected, object found) =>
        differences.Add(invariant, Source, where, what, expected, found);

    private string At() => $"{partition}:{cut.Applied.Offset}";

    private string Where(in ClaimEntry coupon) => new RecordAddress(partition, coupon.Offset, coupon.Index).ToString();

    private static string UserOf(byte[] field) => Encoding.ASCII.GetString(field.AsSpan(Math.Min(2, field.Length)));

    private static string Text(in ClaimEntry coupon) =>
        $"number {coupon.Sequence + 1} at {coupon.Offset}:{coupon.Index}, claim {coupon.ClaimId:x16}, taken at {coupon.InstantMs}, state {(int)coupon.State}";
}
