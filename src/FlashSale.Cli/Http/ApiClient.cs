using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlashSale.Cli.Campaigns;

namespace FlashSale.Cli.Http;

/// <summary>The administrator's part of the interface, one call at a time. What goes wrong becomes one line (<see cref="CliException"/>).</summary>
internal sealed class ApiClient : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    // A list longer than that is not for a terminal, and a server whose pages never end must not hold us.
    private const int PagesMax = 1000;

    private readonly HttpClient _http;
    private readonly bool _http2;

    /// <param name="http2">HTTP/2 from the first byte on, for servers that speak it without TLS.</param>
    public ApiClient(string url, string? apiKey, TimeSpan? timeout = null, bool http2 = false)
    {
        Url = url;
        // A change may take the server 5 s before it answers 202.
        _http = new HttpClient { BaseAddress = ServerUrl.Parse(url), Timeout = timeout ?? TimeSpan.FromSeconds(15) };
        _http2 = http2;
        if (!string.IsNullOrEmpty(apiKey))
            _http.DefaultRequestHeaders.Add("X-Api-Key", apiKey);
    }

    public string Url { get; }

    /// <summary>Null when there is no such campaign.</summary>
    public async Task<CampaignInfo?> FindCampaignAsync(string id, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, PathOf(id), body: null, cancellation);
        if (response.StatusCode != HttpStatusCode.NotFound)
            return await ReadAsync<CampaignInfo>(response, cancellation);
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellation);
        if (!AnswerReader.ProblemCode(body).SequenceEqual("campaign-unknown"u8))
            throw new CliException($"{Url} answers, but not as FlashSale: {AnswerReader.Describe((int)response.StatusCode, body)}");
        return null;
    }

    /// <summary>Throws when there is no such campaign.</summary>
    public async Task<CampaignInfo> GetCampaignAsync(string id, CancellationToken cancellation) =>
        await FindCampaignAsync(id, cancellation) ?? throw new CliException($"There is no campaign '{id}' on {Url}.");

    /// <summary>Opens or changes; null when the server has taken it but not decided it yet.</summary>
    public Task<CampaignInfo?> PutCampaignAsync(string id, CampaignSettings settings, CancellationToken cancellation) =>
        ChangeAsync(HttpMethod.Put, PathOf(id), JsonContent.Create(settings, options: Json), cancellation);

    /// <summary>Closes; null when the server has taken it but not decided it yet.</summary>
    public Task<CampaignInfo?> CloseCampaignAsync(string id, CancellationToken cancellation) =>
        ChangeAsync(HttpMethod.Post, PathOf(id) + "/close", body: null, cancellation);

    /// <summary>All campaigns, page after page.</summary>
    public async Task<IReadOnlyList<CampaignInfo>> ListCampaignsAsync(CancellationToken cancellation)
    {
        var all = new List<CampaignInfo>();
        string? next = "api/campaigns";
        for (int page = 0; next is not null && page < PagesMax; page++)
        {
            using HttpResponseMessage response = await SendAsync(HttpMethod.Get, next, body: null, cancellation);
            JsonElement root = await ReadAsync<JsonElement>(response, cancellation);
            all.AddRange(ReadPage(root, out next));
        }
        return all;
    }

    public void Dispose() => _http.Dispose();

    private static string PathOf(string id) => "api/campaigns/" + Uri.EscapeDataString(id);

    private static List<CampaignInfo> ReadPage(JsonElement root, out string? next)
    {
        next = null;
        JsonElement items = root;
        if (root.ValueKind == JsonValueKind.Object)
        {
            if (!root.TryGetProperty("items", out items))
                throw new CliException("The server's list of campaigns has no \"items\".");
            if (root.TryGetProperty("next", out JsonElement link) && link.ValueKind == JsonValueKind.String)
                next = link.GetString();
        }
        return items.Deserialize<List<CampaignInfo>>(Json) ?? [];
    }

    private async Task<CampaignInfo?> ChangeAsync(HttpMethod method, string path, HttpContent? body, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await SendAsync(method, path, body, cancellation);
        if (response.StatusCode == HttpStatusCode.Accepted)
            return null;
        return await ReadAsync<CampaignInfo>(response, cancellation);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        if (_http2)
            (request.Version, request.VersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        try
        {
            return await _http.SendAsync(request, cancellation);
        }
        catch (HttpRequestException e) when (_http2 && e.HttpRequestError != HttpRequestError.ConnectionError)
        {
            throw new CliException($"{Url} does not speak HTTP/2 without TLS: give the address of a listener with Protocols=Http2 (docs/configuration.md).", e);
        }
        // SocketException: where the server resets the connection at the moment it is made, the framework passes that on as it is.
        catch (Exception e) when (e is HttpRequestException or SocketException)
        {
            throw new CliException($"{Url} does not answer: {e.Message}", e);
        }
        catch (TaskCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new CliException($"{Url} did not answer within {_http.Timeout.TotalSeconds:0} s.", e);
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellation)
    {
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellation);
        if (!response.IsSuccessStatusCode)
            throw new CliException($"{Url} refused: {DescribeProblem((int)response.StatusCode, body)}");
        try
        {
            return JsonSerializer.Deserialize<T>(body, Json) ?? throw new CliException($"{Url} answered with nothing.");
        }
        catch (JsonException e)
        {
            throw new CliException($"{Url} answered with something else than expected: {AnswerReader.Describe((int)response.StatusCode, body)}", e);
        }
    }

    private static string DescribeProblem(int status, byte[] body)
    {
        ReadOnlySpan<byte> code = AnswerReader.ProblemCode(body);
        if (code.IsEmpty)
            return AnswerReader.Describe(status, body);
        using JsonDocument problem = JsonDocument.Parse(body);
        string text = $"{status} {System.Text.Encoding.UTF8.GetString(code)}";
        if (problem.RootElement.TryGetProperty("detail", out JsonElement detail))
            text += $": {detail}";
        if (problem.RootElement.TryGetProperty("errors", out JsonElement errors))
            text += $" {errors}";
        return text.ReplaceLineEndings(" ");
    }
}
