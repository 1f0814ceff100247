using BenchmarkDotNet.Attributes;
using FlashSale.Core.Coupons;

namespace FlashSale.Benchmarks;

/// <summary>Command records. The twin copies the finished bytes: nobody can write or read them for less.</summary>
[BenchmarkCategory("stable")]
public class Codec
{
    private CouponCommand[] _commands = [];
    private byte[] _record = [];

    [Params(10, 100, 1_000)]
    public int Commands { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _commands = [.. Enumerable.Range(0, Commands).Select(Sample.Claim)];
        _record = Sample.Record(2, _commands);
    }

    [Benchmark(Baseline = true)]
    public byte[] Copy() => [.. _record];

    [Benchmark]
    public byte[] Encode() => Sample.Record(2, _commands);

    [Benchmark]
    public int Decode()
    {
        var bytes = 0;
        var record = CouponRecord.Open(_record);
        while (record.TryNext(out var command))
            bytes += command.User.Length;
        return bytes;
    }
}
