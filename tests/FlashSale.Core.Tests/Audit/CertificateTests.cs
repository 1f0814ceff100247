using System.Security.Cryptography;
using FlashSale.Core.Audit;

namespace FlashSale.Core.Tests.Audit;

public sealed class CertificateTests
{
    [Fact]
    public async Task Certificate_OfTheSameLog_IsTheSame()
    {
        var first = await ContentAsync(long.MaxValue);
        var second = await ContentAsync(19);
        Assert.Equal(first with { Refused = second.Refused }, second);
        Assert.Equal(first.Refused, second.Refused);
        Assert.Equal((20L, 20L, "0:19"), (first.Quantity, first.Issued, first.Through));
        Assert.Equal(first.Accepted, first.Issued + first.IssuedBefore + first.Refused.Values.Sum());
        Assert.Equal(1, first.Overtaken);
    }

    [Fact]
    public async Task Certificate_OfAnEarlierAddress_Differs()
    {
        var earlier = await ContentAsync(12);
        Assert.Equal("0:12", earlier.Through);
        Assert.NotEqual((await ContentAsync(19)).OutcomesHash, earlier.OutcomesHash);
    }

    [Fact]
    public async Task Certificate_AnyByteChanged_IsNoticed()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var text = Certificate.Sign(await ContentAsync(long.MaxValue), key).ToText();
        Assert.True(Certificate.TryRead(text, out var read, out _));
        Assert.Equal(text, read.ToText());
        for (var i = 0; i < text.Length; i++)
        {
            var changed = text[..i] + (char)(text[i] ^ 1) + text[(i + 1)..];
            Assert.False(Certificate.TryRead(changed, out _, out var wrong), $"the change at {i} was not noticed");
            Assert.NotEmpty(wrong);
        }

        Assert.False(Certificate.TryRead(text + " ", out _, out _));
        Assert.False(Certificate.TryRead("null", out _, out var none));
        Assert.Equal("it is no certificate", none);
    }

    [Fact]
    public async Task Certificate_AnotherKey_DoesNotFit()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var certificate = Certificate.Sign(await ContentAsync(long.MaxValue), key);
        using var read = Certificate.ReadKey(key.ExportPkcs8PrivateKeyPem());
        using var readPublic = Certificate.ReadKey(key.ExportSubjectPublicKeyInfoPem());
        Assert.True(certificate.IsSignedBy(read) && certificate.IsSignedBy(readPublic));
        Assert.False(certificate.IsSignedBy(other));
        Assert.Equal(certificate.Fingerprint, Certificate.FingerprintOf(readPublic));
    }

    [Theory]
    [InlineData("no key")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")]
    public void ReadKey_NoKey_IsRefused(string pem) => Assert.Throws<FormatException>(() => Certificate.ReadKey(pem));

    [Fact]
    public void ReadKey_AnotherCurve_IsRefused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var pem = key.ExportPkcs8PrivateKeyPem();
        Assert.Contains("P-256", Assert.Throws<FormatException>(() => Certificate.ReadKey(pem)).Message, StringComparison.Ordinal);
    }

    private static async Task<CertificateContent> ContentAsync(long through)
    {
        var world = await AuditWorld.CreateAsync();
        world.Settings = new AuditSettings(AuditWorld.Spring, through);
        var report = await world.AuditAsync();
        return CertificateContent.Of(report, report.Campaigns.Single(c => c.CampaignId == AuditWorld.Spring));
    }
}
