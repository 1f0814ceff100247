using FlashSale.Cli.Campaigns;
using FlashSale.Cli.Http;

namespace FlashSale.Cli.Storm;

/// <summary>Brings the campaigns into the state in which the storm wants them, and knows them on every server.</summary>
internal static class CampaignSetup
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan KnownWithin = TimeSpan.FromSeconds(30);

    /// <summary>Opens the campaigns where that is wanted; returns them as they are before the first claim.</summary>
    public static async Task<CampaignInfo[]> PrepareAsync(StormOptions options, IReadOnlyList<ApiClient> servers, TimeProvider time, CancellationToken cancellation)
    {
        var campaigns = new CampaignInfo[options.Campaigns.Count];
        for (int i = 0; i < campaigns.Length; i++)
        {
            string id = options.Campaigns[i];
            if (options.OpenQuantity is { } quantity)
                await servers[0].PutCampaignAsync(id, new CampaignSettings { Name = id, Quantity = quantity }, cancellation);
            // Other nodes learn of a change up to a second later; until then they would refuse what the first accepts.
            var seen = new List<CampaignInfo>();
            foreach (ApiClient server in servers)
                seen.Add(await WaitUntilKnownAsync(server, id, options.OpenQuantity, time, cancellation));
            campaigns[i] = seen.MaxBy(c => c.Issued)!;
        }
        return campaigns;
    }

    private static async Task<CampaignInfo> WaitUntilKnownAsync(ApiClient server, string id, int? quantity, TimeProvider time, CancellationToken cancellation)
    {
        if (quantity is null)
            return await server.GetCampaignAsync(id, cancellation);
        long start = time.GetTimestamp();
        while (true)
        {
            CampaignInfo? found = await server.FindCampaignAsync(id, cancellation);
            if (found is not null && found.Quantity == quantity)
                return found;
            if (time.GetElapsedTime(start) > KnownWithin)
                throw new CliException($"{server.Url} does not know campaign '{id}' with quantity {quantity} within {KnownWithin.TotalSeconds:0} s.");
            await Task.Delay(Interval, time, cancellation);
        }
    }
}
