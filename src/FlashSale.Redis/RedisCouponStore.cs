using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using StackExchange.Redis;

namespace FlashSale.Redis;

/// <summary>The coupon machine's state in Redis.</summary>
public sealed class RedisCouponStore(RedisConnection connection)
    : RedisStateStore(connection, MachineTopics.Coupon.Machine, RedisScript.CouponApply), ICouponReader
{
    public async Task<PartitionSnapshot?> ReadPartitionAsync(int partition, LogId log)
    {
        var answer = Parts(await Connection.RunAsync(RedisScript.CouponReadPartition, Keys.Of(partition), [Bytes(log)]));
        if (State(answer) != FenceState.Held)
            return null;
        var campaigns = new List<CampaignSnapshot>();
        for (var i = 4; i < answer.Length; i += 3)
            campaigns.Add(new CampaignSnapshot((string)answer[i]!, CampaignState.Read((byte[])answer[i + 1]!), (byte[])answer[i + 2]!));
        campaigns.Sort(static (a, b) => a.State.Number.CompareTo(b.State.Number));
        return new PartitionSnapshot(log, Position(answer[1], answer[2]), (long)answer[3], campaigns);
    }

    public async Task<ClaimAnswer> ReadClaimAsync(ClaimQuestion claim)
    {
        RedisValue[] arguments =
            [Bytes(claim.Log), claim.Offset, claim.Index, claim.CampaignId, claim.UserId, Bytes(claim.ClaimId), claim.InstantMs];
        var answer = Parts(await Connection.RunAsync(RedisScript.CouponReadClaim, Keys.Of(claim.Partition), arguments));
        if (State(answer) != FenceState.Held)
            return ClaimAnswer.Waiting(0);
        var outcome = (CouponOutcome)(int)answer[2];
        if (outcome == CouponOutcome.None)
            return ClaimAnswer.Waiting((long)answer[1]);
        return answer.Length == 3
            ? ClaimAnswer.Refused(outcome)
            : new ClaimAnswer(outcome, CampaignState.Read((byte[])answer[3]!), Entries((byte[])answer[4]!));
    }

    public async Task<IReadOnlyList<UserCoupons>?> ReadUserAsync(int partition, LogId log, string userId, long appliedMin)
    {
        var answer = Parts(await Connection.RunAsync(RedisScript.CouponReadUser, Keys.Of(partition), [Bytes(log), userId, appliedMin]));
        if (State(answer) != FenceState.Held)
            return null;
        var coupons = new List<UserCoupons>();
        for (var i = 1; i < answer.Length; i += 3)
            coupons.Add(new UserCoupons((string)answer[i]!, CampaignState.Read((byte[])answer[i + 1]!), Entries((byte[])answer[i + 2]!)));
        coupons.Sort(static (a, b) => a.State.Number.CompareTo(b.State.Number));
        return coupons;
    }

    private static ClaimEntry[] Entries(byte[] bytes)
    {
        var entries = new ClaimEntry[bytes.Length / ClaimEntry.Size];
        for (var i = 0; i < entries.Length; i++)
            entries[i] = ClaimEntry.Read(bytes.AsSpan(i * ClaimEntry.Size));
        return entries;
    }
}
