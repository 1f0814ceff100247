using System.Net.Http.Json;
using System.Text.Json;

namespace FlashSale.LoadTests;

/// <summary>How a claim stands.</summary>
/// <param name="Status">The HTTP status of the last answer.</param>
/// <param name="Ticket">Of an accepted claim.</param>
/// <param name="State">waiting, issued or refused; null where there was no claim.</param>
internal readonly record struct Answer(int Status, string? Ticket, string? State);

/// <summary>One campaign on a server, as its callers see it. For any number of callers at once.</summary>
internal sealed class Sale : IDisposable
{
    private const int WaitSeconds = 20;

    private readonly HttpClient _http;
    private readonly LoadSettings _settings;
    private readonly string _path = $"api/campaigns/load-{Guid.NewGuid():n}";
    private int _users;

    public Sale(LoadSettings settings)
    {
        _settings = settings;
        _http = new HttpClient(new SocketsHttpHandler { UseCookies = false, UseProxy = false }) { BaseAddress = settings.Url, Timeout = TimeSpan.FromSeconds(WaitSeconds + 10) };
    }

    /// <summary>Opens the campaign.</summary>
    /// <exception cref="HttpRequestException">The server does not answer, or refuses.</exception>
    public async Task OpenAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, _path) { Content = JsonContent.Create(new { name = "load test", quantity = _settings.Quantity, perUser = 1 }) };
        if (_settings.ApiKey is { Length: > 0 } key)
            request.Headers.Add("X-Api-Key", key);
        using var response = await _http.SendAsync(request);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>A new user claims.</summary>
    public async Task<Answer> ClaimAsync(CancellationToken cancel = default)
    {
        using var response = await _http.PostAsJsonAsync(_path + "/claims", new { userId = $"load-{Interlocked.Increment(ref _users)}" }, cancel);
        return await ReadAsync(response, cancel);
    }

    /// <summary>Waits for the decision of an accepted claim, at most for so long as the server holds its answer.</summary>
    public async Task<Answer> DecisionAsync(string ticket, CancellationToken cancel = default)
    {
        using var response = await _http.GetAsync($"api/claims/{ticket}?wait={WaitSeconds}", cancel);
        return await ReadAsync(response, cancel);
    }

    /// <summary>Whether more coupons were issued than there are.</summary>
    public async Task<bool> IsOversoldAsync()
    {
        var campaign = await _http.GetFromJsonAsync<JsonElement>(_path);
        return campaign.GetProperty("issued").GetInt64() > _settings.Quantity;
    }

    public void Dispose() => _http.Dispose();

    private static async Task<Answer> ReadAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var status = (int)response.StatusCode;
        if (status is not (200 or 202))
            return new Answer(status, null, null);
        var body = await response.Content.ReadFromJsonAsync<JsonElement>(cancel);
        return new Answer(status, body.GetProperty("ticket").GetString(), body.GetProperty("state").GetString());
    }
}
