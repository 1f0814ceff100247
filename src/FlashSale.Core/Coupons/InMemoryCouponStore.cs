using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Core.Coupons;

/// <summary>The coupon machine's state in this process.</summary>
public sealed class InMemoryCouponStore(CouponMachine machine) : InMemoryStateStore<CouponModel>(machine), ICouponReader
{
    /// <summary>The rules' own state of a partition, or null; not to be used while something is being applied to it.</summary>
    public CouponModel? ModelOf(int partition)
    {
        lock (Gate)
            return Find(partition)?.Model;
    }

    public Task<PartitionSnapshot?> ReadPartitionAsync(int partition, LogId log)
    {
        lock (Gate)
        {
            return Task.FromResult(Find(partition) is { } found && found.Log == log
                ? new PartitionSnapshot(log, found.Applied, found.Commands, [.. found.Model.Campaigns.Select(c => new CampaignSnapshot(c.CampaignId, c.State, c.Description))])
                : null);
        }
    }

    public Task<ClaimAnswer> ReadClaimAsync(ClaimQuestion claim)
    {
        lock (Gate)
        {
            if (Find(claim.Partition) is not { } found || found.Log != claim.Log)
                return Task.FromResult(ClaimAnswer.Waiting(0));
            return Task.FromResult(found.Applied.Offset < claim.Offset ? ClaimAnswer.Waiting(found.Commands) : found.Model.Read(claim));
        }
    }

    public Task<IReadOnlyList<UserCoupons>?> ReadUserAsync(int partition, LogId log, string userId, long appliedMin)
    {
        lock (Gate)
        {
            return Task.FromResult(Find(partition) is { } found && found.Log == log && found.Applied.Offset >= appliedMin
                ? found.Model.ReadUser(userId)
                : null);
        }
    }
}
