using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using FlashSale.Core.Coupons;

namespace FlashSale.Benchmarks;

/// <summary>Signing and reading a ticket. The twin is the HMAC over as many bytes.</summary>
[BenchmarkCategory("stable")]
public class Tickets
{
    private readonly byte[] _secret = new byte[32];
    private readonly byte[] _content = new byte[90];
    private TicketSigner _signer = null!;
    private Ticket _ticket = null!;
    private string _text = "";

    [GlobalSetup]
    public void Setup()
    {
        _signer = new TicketSigner([(1, _secret)]);
        _ticket = new Ticket(new ClaimQuestion(Sample.Log, 3, 123_456, 17, Sample.Campaign, Sample.User(42), 99, Sample.InstantMs), 1_000_000);
        _text = _signer.Sign(_ticket);
    }

    [Benchmark(Baseline = true)]
    public byte[] Hmac() => HMACSHA256.HashData(_secret, _content);

    [Benchmark]
    public string Sign() => _signer.Sign(_ticket);

    [Benchmark]
    public bool Read() => _signer.TryRead(_text, out _);
}
