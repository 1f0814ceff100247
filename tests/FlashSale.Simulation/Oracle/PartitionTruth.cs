using FlashSale.Core.Coupons;
using FlashSale.Core.Log;
using FlashSale.Simulation.Scheduling;

namespace FlashSale.Simulation.Oracle;

/// <summary>A command record of the log, with what the model makes of it.</summary>
/// <param name="Value">As version 1 has it.</param>
/// <param name="Commands">Commands of the partition up to and with this record.</param>
/// <param name="Campaigns">The campaigns after it.</param>
/// <param name="State">Digest of the state after it.</param>
internal sealed record TrueRecord(
    long Offset, ReadOnlyMemory<byte> Value, CommandRecordInfo Info, byte[] Outcomes, long Commands, IReadOnlyList<CampaignSnapshot> Campaigns, ulong State)
{
    public RecordPosition Position => new(Offset, Info.Id);
}

/// <summary>What must come of one partition's log: the model run over it in its order.</summary>
internal sealed class PartitionTruth(int partition, IReadOnlyList<string> users)
{
    private readonly CouponModel _model = new();
    private readonly List<TrueRecord> _records = [];

    public int Partition => partition;

    public IReadOnlyList<TrueRecord> Records => _records;

    public CouponModel Model => _model;

    public void Append(long offset, ReadOnlyMemory<byte> value)
    {
        if (offset != _records.Count)
            throw new SimulationBrokenException($"the log of partition {partition} goes on at {offset} after {_records.Count - 1}");
        var info = CouponRecord.Inspect(value.Span);
        if (info.State == CommandRecordState.NewerVersion)
            throw new SimulationBrokenException("the simulation has written a record that nobody can read");
        // The genesis record is applied by nobody: the state begins behind it.
        var outcomes = offset == 0 ? [] : _model.Apply(offset, info, value.Span);
        var before = _records.Count == 0 ? 0 : _records[^1].Commands;
        List<CampaignSnapshot> campaigns = [.. _model.Campaigns];
        _records.Add(new TrueRecord(offset, value, info, outcomes, before + (offset == 0 ? 0 : info.Commands), campaigns,
            Digest.Of(campaigns, _model.ReadUser, users)));
    }

    /// <summary>The claim at an address; null where there is no such claim.</summary>
    public TrueClaim? ClaimAt(long offset, int index)
    {
        if (offset >= _records.Count || _records[(int)offset].Info.State != CommandRecordState.Readable)
            return null;
        var record = _records[(int)offset];
        var commands = CouponRecord.Open(record.Value.Span);
        var outcomes = CouponOutcomes.Open(record.Outcomes);
        for (var i = 0; commands.TryNext(out var command) && outcomes.TryNext(out var outcome, out var sequence); i++)
        {
            if (i == index && command.Kind == CouponCommandKind.Claim)
                return new TrueClaim(commands.Campaigns[command.Campaign], System.Text.Encoding.ASCII.GetString(command.User), command.ClaimId, outcome, sequence);
        }

        return null;
    }
}

/// <summary>A claim in the log and its outcome.</summary>
internal readonly record struct TrueClaim(string CampaignId, string UserId, ulong ClaimId, CouponOutcome Outcome, int Sequence);

