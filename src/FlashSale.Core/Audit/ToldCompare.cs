using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>Compares what callers were told with the log and the model: every accepted claim stands at its ticket's address, and was answered as it was decided.</summary>
internal sealed class ToldCompare(int partition, ToldClaims told, Differences differences) : IDisposable
{
    private const string Source = "told";

    private readonly CampaignCodes _codes = new(partition);
    private int _at;

    /// <summary>A claim, or another command, in the order of the log.</summary>
    public void Command(RecordAddress address, CampaignModel? campaign, string campaignId, in CouponCommandView command, CouponOutcome outcome, int sequence)
    {
        var entries = told.Of(partition);
        var place = ToldClaims.Entry.PlaceOf(address.Offset, address.Index);
        for (; _at < entries.Length && entries[_at].Place <= place; _at++)
        {
            var entry = entries[_at];
            if (entry.Place < place)
                NotInLog(entry);
            else if (command.Kind != CouponCommandKind.Claim || entry.Claim != ToldClaims.HashOf(campaignId, command.User, command.ClaimId, command.InstantMs))
                differences.Add(Invariant.I3, Source, address, "an accepted claim", "the claim of the ticket", $"another command: {command.Kind} in {campaignId}");
            else if (entry.Outcome != CouponOutcome.None)
                CompareAnswer(address, campaign, entry, outcome, sequence);
        }
    }

    /// <summary>After the last command.</summary>
    public void End(int partitions, InvariantCheck invariants)
    {
        var entries = told.Of(partition);
        for (; _at < entries.Length; _at++)
            NotInLog(entries[_at]);
        foreach (var (address, first, second) in told.Contradictions.Where(c => c.Address.Partition == partition))
            differences.Add(Invariant.I6, Source, address, "final answers of one ticket", first, second);
        foreach (var (campaignId, claims) in told.SoldOutAtDoor.Where(d => MachineTopics.PartitionOf(d.Key, partitions) == partition && !invariants.WasSoldOut(d.Key)))
            differences.Add(Invariant.I8, Source, $"{partition}", $"claims of {campaignId} refused as sold out at the door", "0, as there always was one left", claims);
    }

    public void Dispose() => _codes.Dispose();

    private void CompareAnswer(RecordAddress address, CampaignModel? campaign, in ToldClaims.Entry entry, CouponOutcome outcome, int sequence)
    {
        var answer = outcome.IsIssued() ? CouponOutcome.Issued : outcome;
        var code = outcome.IsIssued() ? _codes.Encode(campaign!.State, sequence) : "";
        if (entry.Outcome != answer)
            differences.Add(Invariant.I4, Source, address, "final answer of the ticket", answer.Name(), entry.Outcome.Name());
        else if (entry.Code != ToldClaims.HashOf(code))
            differences.Add(Invariant.I4, Source, address, "coupon code told", code, "another code");
    }

    private void NotInLog(in ToldClaims.Entry entry) =>
        differences.Add(Invariant.I3, Source, new RecordAddress(partition, entry.Offset, entry.Index), "an accepted claim", "a claim in the log", "none at this address");
}
