using System.Globalization;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>A campaign's state in words. Its seed, from which the coupon codes follow, is a secret and only hinted at.</summary>
internal static class CampaignText
{
    public static string Of((int Index, CampaignState State) campaign) => $"campaign {campaign.Index} of the record: {Of(campaign.State)}";

    public static string Of(in CampaignState state) => string.Create(CultureInfo.InvariantCulture,
        $"number {state.Number}, {state.Issued} of {state.Quantity} issued, {state.PerUser} per user, from {state.OpensAtMs} to {state.ClosesAtMs}{(state.IsClosed ? ", closed" : "")}, opened {state.OpenedAtMs}, seed {Hint(state.Seed)}");

    public static string Of(ReadOnlySpan<byte> state) => state.Length == CampaignState.Size ? Of(CampaignState.Read(state)) : $"{state.Length} bytes";

    // Sixteen bits tell two seeds apart and give nothing away: 112 remain.
    private static string Hint(CampaignSeed seed)
    {
        Span<byte> bytes = stackalloc byte[CampaignSeed.Size];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, seed.Value);
        return ((ushort)MachineTopics.Fnv1A(bytes)).ToString("x4", CultureInfo.InvariantCulture) + "...";
    }
}
