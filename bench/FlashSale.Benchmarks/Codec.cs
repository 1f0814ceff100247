using System.Buffers.Binary;
using System.Text;
using BenchmarkDotNet.Attributes;
using FlashSale.Core.Coupons;

namespace FlashSale.Benchmarks;

/// <summary>Command records. The twin writes the fields of a claim, without lengths, checks, a header and the campaign, into a buffer that is there.</summary>
[BenchmarkCategory("stable")]
public class Codec
{
    private CouponCommand[] _commands = [];
    private byte[] _record = [];
    private byte[] _buffer = [];

    [Params(10, 100, 1_000)]
    public int Commands { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _commands = [.. Enumerable.Range(0, Commands).Select(Sample.Claim)];
        _record = Sample.Record(2, _commands);
        _buffer = new byte[_record.Length];
    }

    [Benchmark(Baseline = true)]
    public int WriteFields()
    {
        var at = 0;
        foreach (var command in _commands)
        {
            at += Encoding.ASCII.GetBytes(command.UserId!, _buffer.AsSpan(at));
            BinaryPrimitives.WriteUInt64BigEndian(_buffer.AsSpan(at), command.ClaimId);
            BinaryPrimitives.WriteInt64BigEndian(_buffer.AsSpan(at + 8), command.InstantMs);
            at += 16;
        }

        return at;
    }

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
