using System.Security.Cryptography;
using System.Text;
using FlashSale.Server.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace FlashSale.Server.Auth;

/// <summary>Tells who a caller is, and whether it may do what it asks for.</summary>
public sealed class Callers(AuthOptions options, IHostEnvironment environment, ILogger<Callers> logger)
{
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly byte[]? _adminKey = options.ApiKey is null ? null : Encoding.UTF8.GetBytes(options.ApiKey);
    private readonly TokenValidationParameters _parameters = new()
    {
        ValidIssuer = options.Issuer,
        ValidAudience = options.Audience,
        IssuerSigningKey = JwtKey.TryParse(options.Key),
        ValidateIssuerSigningKey = true,
        RequireSignedTokens = true,
        RequireExpirationTime = true,
        ClockSkew = TimeSpan.FromSeconds(30),
    };

    /// <summary>Whether users are told by tokens.</summary>
    public bool UsersAreKnown => options.Mode == AuthMode.Jwt;

    /// <summary>Checks that the caller may act for <paramref name="userId"/> (null: for itself). Yields the user, or the problem.</summary>
    public async ValueTask<(string? UserId, Problem? Problem)> UserAsync(HttpContext context, string? userId)
    {
        if (!UsersAreKnown)
            return (userId, null);
        var header = context.Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
            return (null, Problem.Unauthorized("a bearer token is required"));

        var result = await _handler.ValidateTokenAsync(header["Bearer ".Length..].Trim(), _parameters);
        if (!result.IsValid)
        {
            ServerLogMessages.TokenRefused(logger, result.Exception?.GetType().Name ?? "unknown reason");
            return (null, Problem.Unauthorized("the bearer token is not valid"));
        }

        if (!result.Claims.TryGetValue("sub", out var sub) || sub is not string subject || !Core.Identifier.IsValid(subject))
            return (null, Problem.Unauthorized("the bearer token has no sub that can be a user id"));
        return userId is null || userId == subject
            ? (subject, null)
            : (null, Problem.Forbidden("the token belongs to another user"));
    }

    /// <summary>The problem of a caller that may not administer, or null.</summary>
    public Problem? Admin(HttpContext context)
    {
        if (_adminKey is null)
        {
            return environment.IsDevelopment() && (context.Connection.RemoteIpAddress is not { } address || System.Net.IPAddress.IsLoopback(address))
                ? null
                : Problem.Forbidden("admin requests need Auth:ApiKey to be configured");
        }

        var given = context.Request.Headers["X-Api-Key"].ToString();
        if (given.Length == 0)
            return Problem.Unauthorized("X-Api-Key is required");
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), _adminKey) ? null : Problem.Forbidden("X-Api-Key is not valid");
    }
}
