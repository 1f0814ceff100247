using System.Buffers.Binary;
using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using StackExchange.Redis;

namespace FlashSale.Redis.Tests.Coupons;

/// <summary>One partition twice: in the model and in Redis. Everything done to both must be answered the same.</summary>
internal sealed class PartitionPair(RedisCouponStore redis, GenesisRecord genesis)
{
    private OwnerToken _token = new(1, 0xABCD);

    public InMemoryCouponStore Model { get; } = new(CouponMachine.Instance);

    public RecordPosition Applied { get; private set; } = new(0, genesis.Id);

    public async Task ResetAsync()
    {
        Assert.Equal(FenceState.Held, await Model.ResetAsync(0, genesis, _token));
        Assert.Equal(FenceState.Held, await redis.ResetAsync(0, genesis, _token));
    }

    public async Task<IReadOnlyList<byte[]>> ApplyAsync(IReadOnlyList<CommandToApply> records, long told)
    {
        var batch = new ApplyBatch(genesis.Log, _token, Applied, told, records);
        var expected = await Model.ApplyAsync(0, batch);
        var found = await redis.ApplyAsync(0, batch);
        Assert.Equal(expected.State, found.State);
        Assert.Equal(expected.Outcomes.Count, found.Outcomes.Count);
        for (var i = 0; i < records.Count; i++)
            Assert.True(expected.Outcomes[i].AsSpan().SequenceEqual(found.Outcomes[i]), $"outcomes of record {records[i].Offset} differ");
        Applied = records[^1].Position;
        return found.Outcomes;
    }

    public async Task TakeOverAsync(ulong nonce)
    {
        var expected = await Model.TakeOverAsync(0, genesis.Log, nonce);
        var found = await redis.TakeOverAsync(0, genesis.Log, nonce);
        Assert.Equal(expected with { Recent = found.Recent }, found);
        Assert.Equal(expected.Recent.OrderBy(r => r.Key), found.Recent.OrderBy(r => r.Key));
        _token = found.Token;
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

    public async Task CompareStateAsync(IEnumerable<string> userIds, IDatabase client)
    {
        var expected = (await Model.ReadPartitionAsync(0, genesis.Log))!;
        var found = (await redis.ReadPartitionAsync(0, genesis.Log))!;
        Assert.Equal(expected with { Campaigns = found.Campaigns }, found);
        Assert.Equal(expected.Campaigns.Select(Comparable), found.Campaigns.Select(Comparable));

        var entries = new Dictionary<string, string>();
        foreach (var user in userIds)
        {
            var expectedUser = (await Model.ReadUserAsync(0, genesis.Log, user, 0))!;
            var foundUser = (await redis.ReadUserAsync(0, genesis.Log, user, 0))!;
            Assert.Equal(expectedUser.OrderBy(u => u.State.Number).Select(Comparable), foundUser.Select(Comparable));
            foreach (var held in expectedUser)
                entries.Add($"{held.State.Number:x4}{user}", Convert.ToHexString(Encode(held.Entries)));
        }

        var stored = await client.HashGetAllAsync(redis.Keys.Of(0)[4]);
        Assert.Equal(
            entries.OrderBy(e => e.Key, StringComparer.Ordinal),
            stored.Where(s => s.Name.HasValue && ((byte[])s.Name!).Length > 0).Select(s => KeyValuePair.Create(FieldOf((byte[])s.Name!), Convert.ToHexString((byte[])s.Value!)))
                .OrderBy(e => e.Key, StringComparer.Ordinal));
    }

    private static string FieldOf(byte[] field) => $"{BinaryPrimitives.ReadUInt16BigEndian(field):x4}{Encoding.ASCII.GetString(field.AsSpan(2))}";

    private static (string, CampaignState, string) Comparable(CampaignSnapshot campaign) =>
        (campaign.CampaignId, campaign.State, Convert.ToHexString(campaign.Description.Span));

    private static (string, CampaignState, string) Comparable(UserCoupons coupons) =>
        (coupons.CampaignId, coupons.State, string.Join(' ', coupons.Entries));

    private static byte[] Encode(IReadOnlyList<ClaimEntry> entries)
    {
        var bytes = new byte[27 * entries.Count];
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = bytes.AsSpan(27 * i);
            BinaryPrimitives.WriteUInt64BigEndian(entry[18..], (ulong)entries[i].InstantMs);
            BinaryPrimitives.WriteUInt64BigEndian(entry[12..], entries[i].ClaimId);
            BinaryPrimitives.WriteUInt64BigEndian(entry[2..], (ulong)entries[i].Offset);
            BinaryPrimitives.WriteUInt32BigEndian(entry, (uint)entries[i].Sequence);
            BinaryPrimitives.WriteUInt16BigEndian(entry[10..], (ushort)entries[i].Index);
            BinaryPrimitives.WriteUInt64BigEndian(entry[18..], ((ulong)entries[i].ClaimId << 48) | (ulong)entries[i].InstantMs);
            entry[26] = (byte)entries[i].State;
        }

        return bytes;
    }
}
