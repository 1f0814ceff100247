using BenchmarkDotNet.Attributes;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;

namespace FlashSale.Benchmarks;

/// <summary>Decisions of the C# model, ten records of distinct users. The twin only notes each user in a dictionary.</summary>
[BenchmarkCategory("stable")]
public class Model
{
    private const int Records = 10;

    private CommandToApply _open;
    private List<CommandToApply> _records = [];
    private string[] _users = [];

    [Params(100, 1_000)]
    public int Commands { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _open = Sample.ToApply(1, [Sample.Open]);
        _records = Sample.Claims(Records, Commands);
        _users = [.. Enumerable.Range(0, Records * Commands).Select(Sample.User)];
    }

    [Benchmark(Baseline = true)]
    public int NoteUsers()
    {
        var users = new Dictionary<string, long>();
        foreach (var user in _users)
            users.TryAdd(user, user.Length);
        return users.Count;
    }

    [Benchmark]
    public int Decide()
    {
        var model = new CouponModel();
        var bytes = Apply(model, _open);
        foreach (var record in _records)
            bytes += Apply(model, record);
        return bytes;
    }

    private static int Apply(CouponModel model, CommandToApply record) => model.Apply(record.Offset, record.Info, record.Value.Span).Length;
}
