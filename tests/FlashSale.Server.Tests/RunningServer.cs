using System.Net;
using System.Text;
using System.Text.Json;
using FlashSale.Server.Hosting;
using Microsoft.AspNetCore.Builder;

namespace FlashSale.Server.Tests;

/// <summary>A server of the embedded profile in this process, on a port of its own.</summary>
public sealed class RunningServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RunningServer(WebApplication app)
    {
        _app = app;
        Client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = new Uri(app.Urls.First()) };
    }

    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<RunningServer> StartAsync(params string[] settings)
    {
        var app = ServerHost.Build(["--environment", "Development", "--Profile", "embedded", "--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "Warning", .. settings]);
        await app.StartAsync();
        var server = new RunningServer(app);
        for (var attempt = 0; attempt < 300; attempt++)
        {
            using var ready = await server.Client.GetAsync("/health/ready");
            if (ready.StatusCode == HttpStatusCode.OK)
                return server;
            await Task.Delay(100);
        }

        throw new TimeoutException("the server did not get ready within 30 s");
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    /// <summary>Sends a request with a JSON body (or none) and reads the answer.</summary>
    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body = null, string contentType = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.Remove("Content-Type");
            if (contentType.Length > 0)
                request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var isJson = response.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json" && text.Length > 0;
        return new Answer(
            (int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, response.Headers.Location?.ToString(), response.Headers.RetryAfter?.Delta,
            text, isJson ? JsonDocument.Parse(text).RootElement : default, response);
    }

    public Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, headers: headers);

    public Task<Answer> PutCampaignAsync(string id, string body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Put, $"/api/campaigns/{id}", body, headers: headers);

    public async Task<string> OpenAsync(int quantity, int perUser = 1)
    {
        var id = $"c-{Guid.NewGuid():N}";
        var answer = await PutCampaignAsync(id, $$"""{"name":"Spring","quantity":{{quantity}},"perUser":{{perUser}}}""");
        Assert.Equal(200, answer.Status);
        return id;
    }

    public Task<Answer> ClaimAsync(string campaign, string user, string? key = null, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, $"/api/campaigns/{campaign}/claims", $$"""{"userId":"{{user}}"}""", headers: key is null ? headers : [("Idempotency-Key", key), .. headers]);

    /// <summary>Claims, and waits for the decision.</summary>
    public async Task<Answer> DecideAsync(string campaign, string user, string? key = null)
    {
        var claim = await ClaimAsync(campaign, user, key);
        Assert.Equal(202, claim.Status);
        return await GetAsync($"{claim.Location}?wait=10");
    }

    /// <summary>Asks until the answer is as wanted: what one campaign's claims make of it is known a moment after the decision.</summary>
    public async Task<Answer> UntilAsync(string path, Func<Answer, bool> wanted)
    {
        for (var attempt = 0; ; attempt++)
        {
            var answer = await GetAsync(path);
            if (wanted(answer))
                return answer;
            Assert.True(attempt < 100, $"{path} is still {answer.Text}");
            await Task.Delay(50);
        }
    }
}

/// <summary>What a request was answered with.</summary>
public sealed record Answer(int Status, string? MediaType, string? Location, TimeSpan? RetryAfter, string Text, JsonElement Json, HttpResponseMessage Response)
{
    /// <summary>A text of the body, or null where it has none of that name.</summary>
    public string? this[string name] =>
        Json.TryGetProperty(name, out var value) ? value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText() : null;

    /// <summary>Checks that this is a problem with all that belongs to one.</summary>
    public void IsProblem(int status, string code)
    {
        Assert.True(status == Status && MediaType == "application/problem+json", $"{Status} {MediaType} {Text}");
        Assert.Equal(code, this["code"]);
        Assert.Equal($"urn:flashsale:{code}", this["type"]);
        Assert.Equal(status, Json.GetProperty("status").GetInt32());
        Assert.NotEqual("", this["title"] ?? "");
    }

    /// <summary>Checks that this refuses exactly these fields.</summary>
    public void IsInvalid(params string[] fields)
    {
        IsProblem(400, "invalid-request");
        Assert.Equal(fields.Order(), Json.GetProperty("errors").EnumerateObject().Select(e => e.Name).Order());
    }
}

/// <summary>The server that most tests share: open mode, no admin key.</summary>
public sealed class OpenServer : IAsyncLifetime
{
    public RunningServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await RunningServer.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

[CollectionDefinition(Name)]
public sealed class OpenServerTests : ICollectionFixture<OpenServer>
{
    public const string Name = "open server";
}
