namespace FlashSale.Measure.Running;

/// <summary>Sends what only an administrator may ask for.</summary>
internal static class AdminHttp
{
    /// <summary>The key of every server that is started here.</summary>
    public const string ApiKey = "key-of-measurements";

    public static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(10), DefaultRequestHeaders = { { "X-Api-Key", ApiKey } } };
}
