using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>What a certificate states. Everything of it follows from the log and can be recomputed by whoever has the log.</summary>
/// <param name="Format">Version of this document.</param>
/// <param name="Through">The last command record that was looked at: <c>partition:offset</c>.</param>
/// <param name="ThroughRecord">Its id.</param>
/// <param name="Accepted">Claims in the log.</param>
/// <param name="Refused">Refused claims by reason.</param>
/// <param name="OutcomesHash">SHA-256 over the outcomes in order, see <see cref="OutcomeHash"/>.</param>
/// <param name="Overtaken">Order inversions: claims that a door took before some claim that stands before them in the log.</param>
/// <param name="OvertakenMsMax">The longest time by which one was overtaken.</param>
public sealed record CertificateContent(
    int Format, string CampaignId, string LogId, int Partition, int Partitions, string KeyHash, int RecordVersion, int RulesVersion,
    string Through, string ThroughRecord, long Quantity, int PerUser, bool IsClosed, long OpensAtMs, long ClosesAtMs,
    long Accepted, long Issued, long IssuedBefore, SortedDictionary<string, long> Refused, string? FirstClaim, string? LastClaim,
    string OutcomesHash, long Overtaken, long OvertakenMsMax)
{
    public const int FormatCurrent = 1;

    public static CertificateContent Of(PartitionReport report, CampaignReport campaign) => new(
        FormatCurrent, campaign.CampaignId, report.Genesis.Log.ToString(), campaign.Partition, report.Genesis.Partitions, report.Genesis.KeyHash,
        RecordHeader.CurrentVersion, report.Genesis.Rules, $"{campaign.Partition}:{report.Through.Offset}", report.Through.Record.ToString(),
        campaign.Quantity, campaign.PerUser, campaign.IsClosed, campaign.OpensAtMs, campaign.ClosesAtMs,
        campaign.Claims, campaign.Issued, campaign.IssuedBefore, new SortedDictionary<string, long>(campaign.Refused.ToDictionary()),
        campaign.FirstClaim, campaign.LastClaim, campaign.OutcomesHash!, campaign.Overtaken, campaign.OvertakenMsMax);

    /// <summary>The offset of <see cref="Through"/>.</summary>
    public bool TryThrough(out long offset)
    {
        offset = 0;
        return Through.Split(':') is [_, var text] && long.TryParse(text, out offset) && offset >= 0;
    }
}

/// <summary>
/// A signed statement of what became of a campaign. Signed with ECDSA over P-256 and SHA-256, and not with an HMAC: who checks it must not
/// need the secret that could have forged it. The public key travels along; that it is the right one is for the second person to know,
/// who compares its fingerprint or brings the key.
/// </summary>
/// <param name="PublicKey">SubjectPublicKeyInfo, base64.</param>
/// <param name="Signature">Over the content's UTF-8 text, base64.</param>
public sealed record Certificate(CertificateContent Content, string PublicKey, string Signature)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The first 16 hex digits of the SHA-256 of the public key.</summary>
    public string Fingerprint => FingerprintOf(Convert.FromBase64String(PublicKey));

    public static Certificate Sign(CertificateContent content, ECDsa key) => new(
        content, Convert.ToBase64String(key.ExportSubjectPublicKeyInfo()), Convert.ToBase64String(key.SignData(TextOf(content), HashAlgorithmName.SHA256)));

    /// <summary>Reads a key in PEM, private or public.</summary>
    /// <exception cref="FormatException">It is no such key.</exception>
    public static ECDsa ReadKey(string pem)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            return key.KeySize == 256 ? key : throw new FormatException($"it is a key of {key.KeySize} bits, P-256 is needed");
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new FormatException("it is no key for ECDSA in PEM", e);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>The document. There is one spelling of it, so that any byte that differs is noticed.</summary>
    public string ToText() => JsonSerializer.Serialize(this, Json).ReplaceLineEndings("\n") + "\n";

    /// <summary>Reads a certificate and checks its signature.</summary>
    /// <param name="wrong">What is wrong with it, in words for people.</param>
    public static bool TryRead(string text, [NotNullWhen(true)] out Certificate? certificate, [NotNullWhen(false)] out string? wrong)
    {
        certificate = null;
        try
        {
            certificate = JsonSerializer.Deserialize<Certificate>(text, Json);
            wrong = certificate is null or { Content: null } or { PublicKey: null } or { Signature: null } ? "it is no certificate" : certificate.FindFault(text);
        }
        catch (Exception e) when (e is JsonException or FormatException or CryptographicException or NotSupportedException or ArgumentException)
        {
            wrong = $"it cannot be read: {e.Message.Split('\n')[0]}";
        }

        if (wrong is not null)
            certificate = null;
        return wrong is null;
    }

    /// <summary>Whether it was signed with this key.</summary>
    public bool IsSignedBy(ECDsa key) => key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(Convert.FromBase64String(PublicKey));

    public static string FingerprintOf(ECDsa key) => FingerprintOf(key.ExportSubjectPublicKeyInfo());

    private string? FindFault(string text)
    {
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(PublicKey), out _);
        if (!key.VerifyData(TextOf(Content), Convert.FromBase64String(Signature), HashAlgorithmName.SHA256))
            return "its signature does not fit: it was changed after it was signed";
        if (ToText() != text)
            return "it is not spelled as it was written: it was changed after it was signed";
        return Content.Format == CertificateContent.FormatCurrent ? null : $"it has format {Content.Format}, this build knows {CertificateContent.FormatCurrent}";
    }

    private static byte[] TextOf(CertificateContent content) => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(content, Json).ReplaceLineEndings("\n"));

    private static string FingerprintOf(byte[] publicKey) => Convert.ToHexStringLower(SHA256.HashData(publicKey))[..16];
}
