using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace FlashSale.Server.Auth;

/// <summary>Reads the key that bearer tokens are signed with.</summary>
internal static class JwtKey
{
    public static SecurityKey? TryParse(string? key)
    {
        if (string.IsNullOrWhiteSpace(key))
            return null;
        try
        {
            if (!key.Contains("-----BEGIN", StringComparison.Ordinal))
                return Convert.FromBase64String(key) is { Length: >= 32 } secret ? new SymmetricSecurityKey(secret) : null;
            return Ec(key) ?? (SecurityKey?)Rsa(key);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static ECDsaSecurityKey? Ec(string pem)
    {
        try
        {
            var key = ECDsa.Create();
            key.ImportFromPem(pem);
            return new ECDsaSecurityKey(key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    private static RsaSecurityKey? Rsa(string pem)
    {
        try
        {
            var key = RSA.Create();
            key.ImportFromPem(pem);
            return new RsaSecurityKey(key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return null;
        }
    }
}
