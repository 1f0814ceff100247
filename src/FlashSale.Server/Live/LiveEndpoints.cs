namespace FlashSale.Server.Live;

/// <summary>Live updates.</summary>
internal static class LiveEndpoints
{
    public static void MapLive(this WebApplication app)
    {
    }
}
