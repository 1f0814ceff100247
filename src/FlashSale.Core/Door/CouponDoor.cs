using System.Security.Cryptography;
using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Core.Door;

/// <summary>Why the door did not take a request. Nothing was appended, except perhaps with <see cref="LogUnavailable"/>.</summary>
public enum DoorRefusal
{
    None,
    CampaignUnknown,
    NotOpen,
    Closed,
    SoldOut,
    TooManyRequests,
    Overloaded,
    LogUnavailable,
    NotReady,
}

/// <summary>The answer to a claim.</summary>
/// <param name="Ticket">Null where the claim is refused.</param>
/// <param name="Position">Estimated number of commands to be decided up to this one.</param>
/// <param name="RetryAfter">With <see cref="DoorRefusal.TooManyRequests"/>: when to come back.</param>
public readonly record struct ClaimTaken(DoorRefusal Refusal, Ticket? Ticket, long Position, TimeSpan RetryAfter)
{
    public static ClaimTaken Refused(DoorRefusal refusal, TimeSpan retryAfter = default) => new(refusal, null, 0, retryAfter);
}

/// <summary>What is known of a claim.</summary>
/// <param name="Outcome"><see cref="CouponOutcome.Issued"/>, a refusal, or none while it waits.</param>
/// <param name="Codes">The coupon won; with <see cref="CouponOutcome.AlreadyClaimed"/> those that the user held then.</param>
/// <param name="DecidedAtMs">Where this node saw the decision being told; else null.</param>
public sealed record ClaimStatus(CouponOutcome Outcome, long Position, IReadOnlyList<string> Codes, long? DecidedAtMs);

/// <summary>What became of a change of a campaign.</summary>
/// <param name="Outcome">None where it was not decided in time.</param>
public readonly record struct CampaignChanged(DoorRefusal Refusal, CouponOutcome Outcome, CampaignView? Campaign);

/// <summary>
/// The front door of the coupon machine: refuses what is certain, appends the rest, and answers for what has been appended.
/// Any number of processes may run one; they share nothing but the log and the state.
/// </summary>
public sealed class CouponDoor(
    IReadOnlyList<CouponFollower> partitions, IReadOnlyList<GroupCommit> commits, ICouponReader state,
    DoorOptions options, TimeProvider time, IRandomIds ids)
{
    private static readonly TimeSpan StatePollPause = TimeSpan.FromMilliseconds(200);

    /// <summary>Timers take less for nothing: the loop that waits would spin until it is over.</summary>
    private static readonly TimeSpan WaitMin = TimeSpan.FromMilliseconds(1);

    /// <summary>As long as a request may wait.</summary>
    private static readonly TimeSpan ProbeMax = TimeSpan.FromSeconds(30);

    private readonly Task?[] _probes = new Task?[partitions.Count];
    private readonly UserLimit _userLimit = new(options, time);
    private readonly CouponCodes _codes = new();

    public IReadOnlyList<CouponFollower> Partitions => partitions;

    /// <summary>What gathers the commands of each partition.</summary>
    public IReadOnlyList<GroupCommit> Commits => commits;

    /// <summary>Why the door cannot take requests yet, or null.</summary>
    public string? NotReady => partitions.FirstOrDefault(p => p.NotReady is not null)?.NotReady;

    /// <summary>What this node knows of a campaign.</summary>
    public CampaignView? FindCampaign(string campaignId) => FollowerOf(campaignId).Find(campaignId);

    /// <summary>The partition that holds a campaign.</summary>
    public CouponFollower FollowerOf(string campaignId) => partitions[MachineTopics.PartitionOf(campaignId, partitions.Count)];

    /// <summary>Claims a coupon. Ends once the log has acknowledged the command, never before.</summary>
    public ClaimTaking ClaimAsync(string campaignId, string userId, string? idempotencyKey)
    {
        var follower = FollowerOf(campaignId);
        if (follower.NotReady is not null)
            return new(ClaimTaken.Refused(DoorRefusal.NotReady));
        if (!_userLimit.TryTake(userId, out var retryAfter))
            return new(ClaimTaken.Refused(DoorRefusal.TooManyRequests, retryAfter));
        if (follower.Find(campaignId) is not { } campaign)
            return new(ClaimTaken.Refused(DoorRefusal.CampaignUnknown));

        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var claimId = idempotencyKey is null ? ids.Next() : ClaimIdOf(idempotencyKey);
        var command = CouponCommand.Claim(campaignId, userId, claimId, now);
        var refusal = campaign.RefusalAt(now);
        if (refusal == CouponOutcome.None)
            return AppendClaim(follower, command);
        return idempotencyKey is null ? new(ClaimTaken.Refused(Refusal(refusal))) : new(ClaimAgainAsync(follower, command, refusal));
    }

    /// <summary>What has become of a ticket's claim, or null where the ticket is of another log. Waits up to <paramref name="wait"/> for the decision.</summary>
    public async Task<ClaimStatus?> StatusAsync(Ticket ticket, TimeSpan wait, CancellationToken cancel)
    {
        var claim = ticket.Claim;
        if (claim.Partition >= partitions.Count || partitions[claim.Partition].Log != claim.Log)
            return null;

        var follower = partitions[claim.Partition];
        var started = time.GetTimestamp();
        while (true)
        {
            var decided = follower.FindRecent(claim);
            var status = await StatusNowAsync(follower, ticket, decided);
            var left = wait - time.GetElapsedTime(started);
            if (status.Outcome != CouponOutcome.None || left < WaitMin)
                return status;
            await WaitAsync(follower, claim, left, cancel);
        }
    }

    /// <summary>Opens a campaign, or changes it where it is known, and waits for the decision.</summary>
    public Task<CampaignChanged> PutCampaignAsync(string campaignId, CampaignSettings settings, CancellationToken cancel)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        return ChangeAsync(FindCampaign(campaignId) is null
            ? CouponCommand.Open(campaignId, settings, new CampaignSeed(new UInt128(ids.Next(), ids.Next())), now)
            : CouponCommand.Change(campaignId, settings, now), cancel);
    }

    /// <summary>Closes a campaign and waits for the decision.</summary>
    public Task<CampaignChanged> CloseCampaignAsync(string campaignId, CancellationToken cancel) =>
        ChangeAsync(CouponCommand.Close(campaignId, time.GetUtcNow().ToUnixTimeMilliseconds()), cancel);

    /// <summary>The coupons of a user, or null while a part of the state is missing, behind or does not answer.</summary>
    public async Task<IReadOnlyList<UserCoupon>?> CouponsOfAsync(string userId)
    {
        try
        {
            var parts = await Task.WhenAll(partitions.Select(p => state.ReadUserAsync(p.Partition, p.Log, userId, p.Mark)));
            if (parts.Any(p => p is null))
                return null;
            return [.. parts
                .SelectMany((coupons, partition) => coupons!.SelectMany(c => c.Entries.Select(e =>
                    new UserCoupon(_codes.Of(partition, c.CampaignId, c.State, e.Sequence), c.CampaignId, e.State, e.InstantMs))))
                .OrderByDescending(c => c.InstantMs)];
        }
        catch (StoreUnavailableException)
        {
            return null;
        }
    }

    /// <summary>The code of an issued coupon.</summary>
    public string CodeOf(int partition, string campaignId, in CampaignState campaign, int sequence) => _codes.Of(partition, campaignId, campaign, sequence);

    /// <summary>The claim id that an idempotency key stands for: the first 64 bits of its SHA-256. Ids of one user only are compared.</summary>
    public static ulong ClaimIdOf(string idempotencyKey)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(idempotencyKey), hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    /// <summary>A claim that would be refused, unless it has won before: then it is that win again. Only a sure "no" is refused here.</summary>
    private async Task<ClaimTaken> ClaimAgainAsync(CouponFollower follower, CouponCommand command, CouponOutcome refusal)
    {
        var before = Question(follower, command, follower.Mark, int.MaxValue);
        if (await ReadAsync(before) is { Outcome: not CouponOutcome.None } answer)
            return answer.Outcome == CouponOutcome.Issued ? Again(before, answer.Entries[0]) : ClaimTaken.Refused(Refusal(refusal));
        return await AppendClaim(follower, command);
    }

    private ClaimTaking AppendClaim(CouponFollower follower, CouponCommand command)
    {
        var commit = commits[follower.Partition];
        return follower.OwnUndecided >= options.UndecidedMax || follower.OwnUndecided + commit.Waiting >= follower.OwnUndecidedMax
            ? new(ClaimTaken.Refused(DoorRefusal.Overloaded))
            : new(follower, command, commit.AppendAsync(command));
    }

    /// <summary>The answer to a claim whose append has ended.</summary>
    internal static ClaimTaken Taken(CouponFollower follower, CouponCommand command, AppendResult appended)
    {
        if (appended.State != AppendState.Appended)
            return ClaimTaken.Refused(appended.State == AppendState.Overloaded ? DoorRefusal.Overloaded : DoorRefusal.LogUnavailable);

        return new ClaimTaken(
            DoorRefusal.None, new Ticket(Question(follower, command, appended.Offset, appended.Index), appended.Number), Position(appended.Number, follower.Commands), default);
    }

    private static ClaimQuestion Question(CouponFollower follower, CouponCommand claim, long offset, int index) =>
        new(follower.Log, follower.Partition, offset, index, claim.CampaignId, claim.UserId!, claim.ClaimId, claim.InstantMs);

    private static ClaimTaken Again(in ClaimQuestion claim, in ClaimEntry entry) =>
        new(DoorRefusal.None, new Ticket(claim with { Offset = entry.Offset, Index = entry.Index, InstantMs = entry.InstantMs }, 0), 1, default);

    private async Task<ClaimStatus> StatusNowAsync(CouponFollower follower, Ticket ticket, Decision? decided)
    {
        var claim = ticket.Claim;
        if (decided is { Outcome: not CouponOutcome.AlreadyClaimed } told)
        {
            return told.Outcome.IsIssued()
                ? new ClaimStatus(CouponOutcome.Issued, 0, [_codes.Of(claim.Partition, claim.CampaignId, told.Campaign, told.Sequence)], told.ToldAtMs)
                : new ClaimStatus(told.Outcome, 0, [], told.ToldAtMs);
        }

        if (decided is null && claim.Offset > follower.Mark)
            return Waiting(ticket, follower.Commands);
        var answer = await ReadAsync(claim);
        if (answer.Outcome == CouponOutcome.None)
            return Waiting(ticket, Math.Max(follower.Commands, answer.Commands));
        return new ClaimStatus(answer.Outcome, 0,
            [.. answer.Entries.Select(e => _codes.Of(claim.Partition, claim.CampaignId, answer.State, e.Sequence))], decided?.ToldAtMs);
    }

    private async Task WaitAsync(CouponFollower follower, ClaimQuestion claim, TimeSpan wait, CancellationToken cancel)
    {
        try
        {
            if (await follower.WaitAsync(claim, wait, cancel) is not null)
                return;
            if (claim.Offset > follower.Mark)
                // Too many wait already: this one is not woken.
                await Task.Delay(wait < StatePollPause ? wait : StatePollPause, time, cancel);
            else
                await StateKnowsAsync(follower).WaitAsync(wait, time, cancel);
        }
        catch (TimeoutException)
        {
            // The caller's loop looks at the time.
        }
    }

    /// <summary>Ends when the state of a partition is as far again as its events. However many wait for that, the state is asked once for all of them.</summary>
    private Task StateKnowsAsync(CouponFollower follower)
    {
        lock (_probes)
        {
            if (_probes[follower.Partition] is not { IsCompleted: false } probe)
                _probes[follower.Partition] = probe = ProbeAsync(follower);
            return probe;
        }
    }

    private async Task ProbeAsync(CouponFollower follower)
    {
        var started = time.GetTimestamp();
        do
            await Task.Delay(StatePollPause, time);
        while (!await KnowsAsync(follower) && time.GetElapsedTime(started) < ProbeMax);
    }

    private async Task<bool> KnowsAsync(CouponFollower follower)
    {
        try
        {
            return await state.ReadPartitionAsync(follower.Partition, follower.Log) is { } found && found.Applied.Offset >= follower.Mark;
        }
        catch (StoreUnavailableException)
        {
            return false;
        }
    }

    private async Task<CampaignChanged> ChangeAsync(CouponCommand command, CancellationToken cancel)
    {
        var follower = FollowerOf(command.CampaignId);
        if (follower.NotReady is not null)
            return new CampaignChanged(DoorRefusal.NotReady, CouponOutcome.None, null);
        if (command.Kind == CouponCommandKind.Close && follower.Find(command.CampaignId) is null)
            return new CampaignChanged(DoorRefusal.CampaignUnknown, CouponOutcome.None, null);

        var appended = await commits[follower.Partition].AppendAsync(command);
        if (appended.State != AppendState.Appended)
            return new CampaignChanged(appended.State == AppendState.Overloaded ? DoorRefusal.Overloaded : DoorRefusal.LogUnavailable, CouponOutcome.None, null);
        try
        {
            var decision = await follower.WaitAsync(appended.Offset, appended.Index, options.DecisionWait, cancel);
            return new CampaignChanged(DoorRefusal.None, decision?.Outcome ?? CouponOutcome.None, follower.Find(command.CampaignId));
        }
        catch (TimeoutException)
        {
            return new CampaignChanged(DoorRefusal.None, CouponOutcome.None, null);
        }
    }

    /// <summary>Asks the state; a state that does not answer knows nothing yet.</summary>
    private async Task<ClaimAnswer> ReadAsync(ClaimQuestion claim)
    {
        try
        {
            return await state.ReadClaimAsync(claim);
        }
        catch (StoreUnavailableException)
        {
            return ClaimAnswer.Waiting(0);
        }
    }

    private static ClaimStatus Waiting(Ticket ticket, long decided) => new(CouponOutcome.None, Position(ticket.Commands, decided), [], null);

    private static long Position(long number, long decided) => Math.Max(1, number - decided);

    private static DoorRefusal Refusal(CouponOutcome outcome) => outcome switch
    {
        CouponOutcome.NotOpen => DoorRefusal.NotOpen,
        CouponOutcome.Closed => DoorRefusal.Closed,
        _ => DoorRefusal.SoldOut,
    };
}

/// <summary>A coupon of a user.</summary>
public readonly record struct UserCoupon(string Code, string CampaignId, CouponState State, long InstantMs);
