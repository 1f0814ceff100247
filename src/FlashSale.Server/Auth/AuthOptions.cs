using System.ComponentModel.DataAnnotations;

namespace FlashSale.Server.Auth;

/// <summary>How a caller is known.</summary>
public enum AuthMode
{
    /// <summary>The body's <c>userId</c> is believed: for development, and behind a gateway that has already checked.</summary>
    Open,

    /// <summary>A bearer token's <c>sub</c> is the user.</summary>
    Jwt,
}

/// <summary>Who may call (section <c>Auth</c>).</summary>
public sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary><c>Open</c> (default) or <c>Jwt</c>.</summary>
    public AuthMode Mode { get; set; } = AuthMode.Open;

    /// <summary>Allows <c>Open</c> outside Development. Default false: the server refuses to start.</summary>
    public bool AllowOpen { get; set; }

    /// <summary>Required issuer of tokens; with <c>Jwt</c>.</summary>
    public string? Issuer { get; set; }

    /// <summary>Required audience of tokens; with <c>Jwt</c>.</summary>
    public string? Audience { get; set; }

    /// <summary>The key that tokens are signed with; with <c>Jwt</c>: a PEM public key (RSA or EC), or the base64 of a shared secret of 32 bytes or more (HS256).</summary>
    public string? Key { get; set; }

    /// <summary>Key that admin requests carry in <c>X-Api-Key</c>. Without one they are taken from loopback in Development, and refused elsewhere.</summary>
    [MinLength(16)]
    public string? ApiKey { get; set; }

    /// <summary>The rules across keys; they depend on the environment too.</summary>
    internal IEnumerable<string> Validate(bool development)
    {
        if (Mode == AuthMode.Open && !development && !AllowOpen)
            yield return "Auth:Mode is Open outside Development; use Jwt, or set Auth:AllowOpen=true if a gateway has already checked the caller";
        if (Mode == AuthMode.Jwt && string.IsNullOrEmpty(Issuer))
            yield return "Auth:Issuer is missing; Auth:Mode=Jwt needs it";
        if (Mode == AuthMode.Jwt && string.IsNullOrEmpty(Audience))
            yield return "Auth:Audience is missing; Auth:Mode=Jwt needs it";
        if (Mode == AuthMode.Jwt && JwtKey.TryParse(Key) is null)
            yield return "Auth:Key is missing or unreadable; Auth:Mode=Jwt needs a PEM public key or the base64 of 32 bytes or more";
    }
}
