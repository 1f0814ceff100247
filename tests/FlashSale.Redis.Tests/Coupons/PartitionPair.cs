using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using StackExchange.Redis;

namespace FlashSale.Redis.Tests.Coupons;

/// <summary>One partition twice: in the model and in Redis. Everything done to both must be answered the same.</summary>
internal sealed class PartitionPair(RedisCouponStore redis, GenesisRecord genesis)
{
    private static readonly string[] Parts = ["meta", "campaigns", "descriptions", "changes", "holdings", "recent"];

    private readonly int _partition = genesis.Partition;
    private OwnerToken _token = new(1, 0xABCD);

    public InMemoryCouponStore Model { get; } = new(CouponMachine.Instance);

    public RecordPosition Applied { get; private set; } = new(0, genesis.Id);

    public async Task ResetAsync()
    {
        Assert.Equal(FenceState.Held, await Model.ResetAsync(_partition, genesis, _token));
        Assert.Equal(FenceState.Held, await redis.ResetAsync(_partition, genesis, _token));
    }

    public async Task<IReadOnlyList<byte[]>> ApplyAsync(IReadOnlyList<CommandToApply> records, long told)
    {
        var batch = new ApplyBatch(genesis.Log, _token, Applied, told, records);
        var expected = await Model.ApplyAsync(_partition, batch);
        var found = await redis.ApplyAsync(_partition, batch);
        Assert.Equal(expected.State, found.State);
        Assert.Equal(expected.Outcomes.Count, found.Outcomes.Count);
        for (var i = 0; i < records.Count; i++)
            CompareOutcomes(records[i], expected.Outcomes[i], found.Outcomes[i]);
        Applied = records[^1].Position;
        return found.Outcomes;
    }

    public async Task<TakeOverResult> TakeOverAsync(ulong nonce)
    {
        var expected = await Model.TakeOverAsync(_partition, genesis.Log, nonce);
        var found = await redis.TakeOverAsync(_partition, genesis.Log, nonce);
        Assert.Equal(expected with { Recent = found.Recent }, found);
        Assert.Equal(expected.Recent.OrderBy(r => r.Key), found.Recent.OrderBy(r => r.Key));
        _token = found.Token;
        return expected;
    }

    public async Task CompareClaimAsync(ClaimQuestion claim, CouponOutcome told)
    {
        var expected = await Model.ReadClaimAsync(claim);
        var found = await redis.ReadClaimAsync(claim);
        Assert.Equal(expected with { Entries = found.Entries }, found);
        Assert.Equal(expected.Entries, found.Entries);
        if (told != CouponOutcome.None)
            Assert.Equal(told == CouponOutcome.IssuedBefore ? CouponOutcome.Issued : told, found.Outcome);
    }

    public async Task CompareUserAsync(string userId)
    {
        var expected = (await Model.ReadUserAsync(_partition, genesis.Log, userId, 0))!;
        var found = (await redis.ReadUserAsync(_partition, genesis.Log, userId, 0))!;
        Assert.Equal(expected.Select(Comparable), found.Select(Comparable));
    }

    /// <summary>Takes over, then compares every field of every key with what the model says.</summary>
    public async Task CompareStateAsync(ulong nonce, IDatabase client)
    {
        var taken = await TakeOverAsync(nonce);
        var keys = redis.Keys.Of(_partition);
        var expected = Expected(taken, Model.ModelOf(_partition)!);
        for (var i = 0; i < Parts.Length; i++)
        {
            var entries = (await client.HashGetAllAsync(keys[i])).ToDictionary(e => Text(e.Name), e => Text(e.Value));
            var found = Parts[i] == "holdings" ? ByUser(entries) : entries;
            foreach (var (field, value) in expected[i])
                Assert.True(found.Remove(field, out var stored) && stored == value, $"{Parts[i]} at {Applied}: field {field} should be {value}, is {stored ?? "missing"}");
            Assert.True(found.Count == 0, $"{Parts[i]} at {Applied}: there should be no field {found.Keys.FirstOrDefault()}");
        }
    }

    /// <summary>The fields of each key, in the order of the keys.</summary>
    private Dictionary<string, string>[] Expected(TakeOverResult taken, CouponModel model)
    {
        // The field with the empty name keeps a hash that holds nothing else.
        var keys = Parts.Select(_ => new Dictionary<string, string> { [""] = "" }).ToArray();
        var meta = keys[0];
        var log = new byte[LogId.Size];
        genesis.Log.Write(log);
        meta["log"u8.ToHex()] = log.AsSpan().ToHex();
        meta["record"u8.ToHex()] = $"{Applied.Record}".ToUpperInvariant();
        meta["nonce"u8.ToHex()] = taken.Token.Nonce.ToString("X16", CultureInfo.InvariantCulture);
        foreach (var (field, number) in new[] { ("applied", Applied.Offset), ("commands", taken.Commands), ("told", taken.Told), ("token", taken.Token.Number), ("torn", 0L) })
            meta[Ascii(field)] = Ascii($"{number}");
        foreach (var campaign in model.Campaigns)
        {
            var state = new byte[CampaignState.Size];
            campaign.State.Write(state);
            var id = Ascii(campaign.CampaignId);
            keys[1][id] = state.AsSpan().ToHex();
            keys[2][id] = campaign.Description.Span.ToHex();
            keys[3][id] = campaign.PackChanges().AsSpan().ToHex();
            for (var users = campaign.Holdings.Walk(); users.MoveNext();)
                keys[4][campaign.State.Number.ToString("X4", CultureInfo.InvariantCulture) + users.User.ToHex()] = Coupons(users.Coupons);
        }

        foreach (var (offset, outcomes) in taken.Recent)
            keys[5][Ascii($"{offset}")] = outcomes.AsSpan().ToHex();
        return keys;
    }

    /// <summary>Campaign number and user id to coupons, whichever bucket they are in. A user in two of them fails.</summary>
    private static Dictionary<string, string> ByUser(Dictionary<string, string> fields)
    {
        var users = new Dictionary<string, string> { [""] = fields[""] };
        foreach (var (field, value) in fields.Where(f => f.Key.Length > 4))
        {
            var bucket = Convert.FromHexString(value).AsSpan();
            Assert.True(fields.ContainsKey(field[..4]), $"there is a bucket {field} and no number of roots");
            while (!bucket.IsEmpty)
            {
                var user = bucket.Slice(1, bucket[0]);
                var rest = bucket[(1 + user.Length)..];
                var coupons = rest.Slice(2, BinaryPrimitives.ReadUInt16BigEndian(rest) * ClaimEntry.Size);
                users.Add(field[..4] + user.ToHex(), coupons.ToHex());
                bucket = rest[(2 + coupons.Length)..];
            }
        }

        return users;
    }

    private static string Coupons(CouponHoldings.UserCouponsView coupons)
    {
        var text = new StringBuilder();
        foreach (var coupon in coupons)
            text.Append(coupon.ToHex());
        return text.ToString();
    }

    private static void CompareOutcomes(CommandToApply record, byte[] expected, byte[] found)
    {
        if (expected.AsSpan().SequenceEqual(found))
            return;
        var model = CouponOutcomes.Open(expected);
        var script = CouponOutcomes.Open(found);
        for (var index = 0; model.TryNext(out var outcome, out var sequence) && script.TryNext(out var other, out var otherSequence); index++)
            Assert.True((outcome, sequence) == (other, otherSequence), $"{record.Offset}:{index}: the model decides {outcome} {sequence}, the script {other} {otherSequence}");
        Assert.Fail($"the outcomes of record {record.Offset} differ: {expected.AsSpan().ToHex()} by the model, {found.AsSpan().ToHex()} by the script");
    }

    private static string Ascii(string text) => ((ReadOnlySpan<byte>)Encoding.ASCII.GetBytes(text)).ToHex();

    private static string Text(RedisValue value) => ((ReadOnlySpan<byte>)((byte[]?)value ?? [])).ToHex();

    private static (string, CampaignState, string) Comparable(UserCoupons coupons) =>
        (coupons.CampaignId, coupons.State, string.Join(' ', coupons.Entries));
}

internal static class Hex
{
    public static string ToHex(this ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes);

    public static string ToHex(this Span<byte> bytes) => Convert.ToHexString(bytes);
}
