using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace FlashSale.Server.Tests.Auth;

/// <summary>A server that knows its users by tokens, has an admin key and limits each user.</summary>
public sealed class GuardedServer : IAsyncLifetime
{
    public const string ApiKey = "an-admin-key-of-tests";
    public const int UserLimit = 3;

    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);

    public RunningServer Server { get; private set; } = null!;

    public string CampaignId { get; } = "guarded";

    public async Task InitializeAsync()
    {
        Server = await RunningServer.StartAsync(
            "--Auth:Mode", "Jwt", "--Auth:Issuer", "tests", "--Auth:Audience", "flashsale", "--Auth:Key", Convert.ToBase64String(_secret), "--Auth:ApiKey", ApiKey,
            "--Door:UserLimit", $"{UserLimit}", "--Door:UserLimitWindow", "00:10:00", "--Live:WatchersMax", "2");
        Assert.Equal(200, (await Server.PutCampaignAsync(CampaignId, """{"name":"x","quantity":1000}""", ("X-Api-Key", ApiKey))).Status);
    }

    public async Task DisposeAsync() => await Server.DisposeAsync();

    public (string, string) Bearer(string? user, string issuer = "tests", string audience = "flashsale", byte[]? secret = null, double minutes = 5)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var descriptor = new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            NotBefore = now.AddHours(-1),
            IssuedAt = now.AddHours(-1),
            Expires = now.AddMinutes(minutes),
            Claims = user is null ? null : new Dictionary<string, object> { ["sub"] = user },
            SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(secret ?? _secret), SecurityAlgorithms.HmacSha256),
        };
        return ("Authorization", $"Bearer {new JsonWebTokenHandler().CreateToken(descriptor)}");
    }
}

public sealed class AuthTests(GuardedServer guarded) : IClassFixture<GuardedServer>
{
    private readonly RunningServer _server = guarded.Server;
    private readonly string _user = $"u-{Guid.NewGuid():N}";

    [Fact]
    public async Task Claim_OwnToken_IsTaken()
    {
        var answer = await _server.ClaimAsync(guarded.CampaignId, _user, null, guarded.Bearer(_user));
        Assert.Equal(202, answer.Status);
        var decided = await _server.GetAsync($"{answer.Location}?wait=10", guarded.Bearer(_user));
        Assert.Equal(("issued", _user), (decided["state"], decided["userId"]));
    }

    [Fact]
    public async Task Claim_NoBody_IsForTheTokensUser()
    {
        var answer = await _server.SendAsync(HttpMethod.Post, $"/api/campaigns/{guarded.CampaignId}/claims", headers: guarded.Bearer(_user));
        Assert.Equal(202, answer.Status);
    }

    [Fact]
    public async Task Claim_AnothersToken_Is403() =>
        (await _server.ClaimAsync(guarded.CampaignId, _user, null, guarded.Bearer("somebody-else"))).IsProblem(403, "forbidden");

    [Fact]
    public async Task Claim_NoToken_Is401()
    {
        var answer = await _server.ClaimAsync(guarded.CampaignId, _user);
        answer.IsProblem(401, "unauthorized");
        Assert.Equal("Bearer", answer.Response.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task Claim_TokenOfAnotherIssuerAudienceOrKeyOrTime_Is401()
    {
        (string, string)[] tokens =
        [
            guarded.Bearer(_user, issuer: "others"),
            guarded.Bearer(_user, audience: "others"),
            guarded.Bearer(_user, secret: RandomNumberGenerator.GetBytes(32)),
            guarded.Bearer(_user, minutes: -5),
            guarded.Bearer(null),
            guarded.Bearer("a b"),
            ("Authorization", "Bearer x"),
            ("Authorization", "Basic dTpw"),
            ("Authorization", $"Bearer {Unsigned(_user)}"),
        ];
        foreach (var token in tokens)
            (await _server.ClaimAsync(guarded.CampaignId, _user, null, token)).IsProblem(401, "unauthorized");
    }

    [Fact]
    public async Task Get_AnothersTicket_Is403()
    {
        var claim = await _server.ClaimAsync(guarded.CampaignId, _user, null, guarded.Bearer(_user));
        (await _server.GetAsync(claim.Location!, guarded.Bearer("somebody-else"))).IsProblem(403, "forbidden");
        (await _server.GetAsync(claim.Location!)).IsProblem(401, "unauthorized");
        (await _server.GetAsync($"{claim.Location}/events", guarded.Bearer("somebody-else"))).IsProblem(403, "forbidden");
    }

    [Fact]
    public async Task Coupons_AnothersOrNoToken_IsRefused()
    {
        (await _server.GetAsync($"/api/users/{_user}/coupons", guarded.Bearer("somebody-else"))).IsProblem(403, "forbidden");
        (await _server.GetAsync($"/api/users/{_user}/coupons")).IsProblem(401, "unauthorized");
        Assert.Equal(200, (await _server.GetAsync($"/api/users/{_user}/coupons", guarded.Bearer(_user))).Status);
    }

    [Fact]
    public async Task Live_AnothersUser_IsRefused()
    {
        (await _server.GetAsync($"/api/live?topics=user:{_user}")).IsProblem(401, "unauthorized");
        (await _server.GetAsync($"/api/live?topics=campaigns,user:{_user}", guarded.Bearer("somebody-else"))).IsProblem(403, "forbidden");
    }

    [Fact]
    public async Task Live_TooManyWatchers_IsOverloaded()
    {
        using var first = await _server.Client.GetAsync("/api/live?topics=campaigns", HttpCompletionOption.ResponseHeadersRead);
        var second = await _server.Client.GetAsync("/api/live?topics=campaigns", HttpCompletionOption.ResponseHeadersRead);
        var third = await _server.GetAsync("/api/live?topics=campaigns");
        third.IsProblem(503, "overloaded");
        Assert.NotNull(third.RetryAfter);

        // Whoever leaves makes room.
        second.Dispose();
        for (var attempt = 0; attempt < 100 && _server.Services.GetRequiredService<Server.Live.LiveHub>().Count > 1; attempt++)
            await Task.Delay(20);
        using var fourth = await _server.Client.GetAsync("/api/live?topics=campaigns", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(200, (int)fourth.StatusCode);
    }

    [Fact]
    public async Task Claim_OverTheUsersLimit_Is429()
    {
        for (var i = 0; i < GuardedServer.UserLimit; i++)
            Assert.Equal(202, (await _server.ClaimAsync(guarded.CampaignId, _user, null, guarded.Bearer(_user))).Status);
        var answer = await _server.ClaimAsync(guarded.CampaignId, _user, null, guarded.Bearer(_user));
        answer.IsProblem(429, "too-many-requests");
        Assert.InRange(answer.RetryAfter!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        var other = $"{_user}-2";
        Assert.Equal(202, (await _server.ClaimAsync(guarded.CampaignId, other, null, guarded.Bearer(other))).Status);
    }

    [Theory]
    [InlineData("PUT", "/api/campaigns/c1")]
    [InlineData("POST", "/api/campaigns/c1/close")]
    [InlineData("GET", "/api/admin/partitions")]
    [InlineData("GET", "/api/admin/dead-letters")]
    public async Task Admin_WrongOrMissingKey_IsRefused(string method, string path)
    {
        (await _server.SendAsync(new HttpMethod(method), path, "{}")).IsProblem(401, "unauthorized");
        (await _server.SendAsync(new HttpMethod(method), path, "{}", headers: ("X-Api-Key", "not-the-admin-key"))).IsProblem(403, "forbidden");
        (await _server.SendAsync(new HttpMethod(method), path, "{}", headers: guarded.Bearer(_user))).IsProblem(401, "unauthorized");
    }

    [Fact]
    public async Task Admin_RightKey_IsServed()
    {
        Assert.Equal(200, (await _server.GetAsync("/api/admin/partitions", ("X-Api-Key", GuardedServer.ApiKey))).Status);
        Assert.Equal(200, (await _server.GetAsync("/api/admin/dead-letters", ("X-Api-Key", GuardedServer.ApiKey))).Status);
    }

    private static string Unsigned(string user)
    {
        var payload = $$"""{"sub":"{{user}}","iss":"tests","aud":"flashsale","exp":4102444800}""";
        return $"{Base64UrlEncoder.Encode(Encoding.UTF8.GetBytes("""{"alg":"none","typ":"JWT"}"""))}.{Base64UrlEncoder.Encode(Encoding.UTF8.GetBytes(payload))}.";
    }
}
