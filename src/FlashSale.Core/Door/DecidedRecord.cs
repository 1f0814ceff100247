using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Door;

/// <summary>What became of one command.</summary>
/// <param name="Sequence">Of an issued coupon; else -1.</param>
/// <param name="Campaign">The campaign after the command's record; default where it is unknown.</param>
/// <param name="ToldAtMs">When the engine told it, Unix milliseconds.</param>
public readonly record struct Decision(CouponOutcome Outcome, int Sequence, CampaignState Campaign, long ToldAtMs);

/// <summary>An event record, taken apart for those who ask for single commands of it.</summary>
public sealed class DecidedRecord
{
    private readonly CouponOutcome[] _outcomes;
    private readonly int[] _sequences;
    private readonly ushort[] _campaignOf;
    private readonly ulong[] _claims;
    private readonly CampaignState[] _states;

    private DecidedRecord(EventRecord told, string[] campaigns, CampaignState[] states, int count)
    {
        Offset = told.Answers.Offset;
        ToldAtMs = told.ToldAtMs;
        Campaigns = campaigns;
        _states = states;
        _outcomes = new CouponOutcome[count];
        _sequences = new int[count];
        _campaignOf = new ushort[count];
        _claims = new ulong[count];
    }

    /// <summary>Offset of the command record.</summary>
    public long Offset { get; }

    public long ToldAtMs { get; }

    /// <summary>The campaigns named in the record.</summary>
    public IReadOnlyList<string> Campaigns { get; }

    /// <summary>Number of commands.</summary>
    public int Count => _outcomes.Length;

    /// <summary>About how much memory this takes.</summary>
    public int Bytes => 200 + _outcomes.Length * 15 + Campaigns.Count * 150;

    /// <summary>State of a campaign named in the record after the record, or null where it does not exist.</summary>
    public CampaignState? StateOf(int campaign) => _states[campaign].Quantity == 0 ? null : _states[campaign];

    public Decision this[int index] => new(_outcomes[index], _sequences[index], _states[_campaignOf[index]], ToldAtMs);

    /// <summary>
    /// Whether the command at an index is this claim. It is not where the log has lost the claim after it was acknowledged
    /// and another one has taken its address: then the outcome there is somebody else's.
    /// </summary>
    public bool IsOf(int index, in ClaimQuestion claim)
    {
        Span<byte> user = stackalloc byte[Identifier.LengthMax];
        return index < Count && _claims[index] == ClaimHash(user[..Encoding.ASCII.GetBytes(claim.UserId, user)], claim.ClaimId);
    }

    /// <summary>Takes an event apart; shows each command with its outcome to <paramref name="visit"/>.</summary>
    /// <exception cref="LogRefusedException">Its parts do not fit each other: no engine of this log has told it.</exception>
    public static DecidedRecord Read(EventRecord told, DecisionVisitor visit)
    {
        var outcomes = CouponOutcomes.Open(told.Outcomes.Span);
        if (told.Command.IsEmpty)
            return new DecidedRecord(told, [], [], 0);

        if (CouponRecord.Inspect(told.Command.Span).State != CommandRecordState.Readable)
            throw DoesNotFit(told);
        var commands = CouponRecord.Open(told.Command.Span);
        var states = new CampaignState[commands.Campaigns.Length];
        for (var i = 0; i < outcomes.CampaignCount; i++)
        {
            var (campaign, state) = outcomes.CampaignAt(i);
            if (campaign >= states.Length)
                throw DoesNotFit(told);
            states[campaign] = state;
        }

        var record = new DecidedRecord(told, commands.Campaigns, states, commands.Count);
        for (var index = 0; commands.TryNext(out var command); index++)
        {
            if (!outcomes.TryNext(out var outcome, out var sequence))
                throw DoesNotFit(told);
            record._outcomes[index] = outcome;
            record._sequences[index] = sequence;
            record._campaignOf[index] = (ushort)command.Campaign;
            record._claims[index] = ClaimHash(command.User, command.ClaimId);
            visit(record, command, outcome, sequence);
        }

        return outcomes.TryNext(out _, out _) ? throw DoesNotFit(told) : record;
    }

    // Claim ids are those of one user only.
    private static ulong ClaimHash(ReadOnlySpan<byte> user, ulong claimId) => MachineTopics.Fnv1A(user) ^ claimId;

    private static LogRefusedException DoesNotFit(EventRecord told) =>
        new($"the event for command offset {told.Answers.Offset} does not fit the record that it answers: somebody else writes to the topic");
}

/// <summary>Sees one command and its outcome.</summary>
public delegate void DecisionVisitor(DecidedRecord record, in CouponCommandView command, CouponOutcome outcome, int sequence);
