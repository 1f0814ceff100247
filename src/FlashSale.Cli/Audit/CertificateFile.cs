using System.Security.Cryptography;
using FlashSale.Core.Audit;

namespace FlashSale.Cli.Audit;

/// <summary>Certificates and keys as files.</summary>
internal static class CertificateFile
{
    /// <summary>Reads a certificate; null and a line for people where it is not as it was signed, or signed with another key.</summary>
    public static Certificate? Read(string file, string? keyFile, out string told)
    {
        if (!Certificate.TryRead(ReadText("--verify", file), out Certificate? certificate, out string? wrong))
        {
            told = $"NOT VALID: {file}: {wrong}";
            return null;
        }

        if (keyFile is null)
        {
            told = $"signed with the key {certificate.Fingerprint} that it carries; whose it is, --key FILE would tell";
            return certificate;
        }

        using ECDsa key = ReadKey(keyFile);
        if (!certificate.IsSignedBy(key))
        {
            told = $"NOT VALID: {file} is signed with the key {certificate.Fingerprint}, {keyFile} holds {Certificate.FingerprintOf(key)}: the key does not fit";
            return null;
        }

        told = $"signed with the key {certificate.Fingerprint} of {keyFile}";
        return certificate;
    }

    /// <summary>A key to sign with.</summary>
    public static ECDsa ReadSigningKey(string file)
    {
        ECDsa key = ReadKey(file);
        try
        {
            key.SignData([], HashAlgorithmName.SHA256);
            return key;
        }
        catch (CryptographicException e)
        {
            key.Dispose();
            throw new CliException($"--key {file}: it is a public key; the private one signs.", e);
        }
    }

    /// <summary>Everything that the log says otherwise than the certificate, in lines.</summary>
    public static IEnumerable<string> Compare(CertificateContent certified, CertificateContent found)
    {
        foreach (var property in typeof(CertificateContent).GetProperties().Where(p => p.CanWrite))
        {
            string expected = Text(property.GetValue(certified)), now = Text(property.GetValue(found));
            if (expected != now)
                yield return $"{char.ToLowerInvariant(property.Name[0])}{property.Name[1..]}: certified {expected}, the log says {now}";
        }
    }

    private static string Text(object? value) => value is SortedDictionary<string, long> counts
        ? string.Join(", ", counts.Select(c => $"{c.Value} {c.Key}"))
        : value?.ToString() ?? "none";

    private static ECDsa ReadKey(string file)
    {
        try
        {
            return Certificate.ReadKey(ReadText("--key", file));
        }
        catch (FormatException e)
        {
            throw new CliException($"--key {file}: {e.Message}.", e);
        }
    }

    private static string ReadText(string option, string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"{option} {file}: {e.Message}", e);
        }
    }
}
