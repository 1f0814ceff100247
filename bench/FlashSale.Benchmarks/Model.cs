using BenchmarkDotNet.Attributes;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;

namespace FlashSale.Benchmarks;

/// <summary>Decisions of the C# model, ten records of distinct users. The twin only notes each user in a dictionary that has its size.</summary>
[BenchmarkCategory("stable")]
public class Model
{
    private const int Records = 10;

    private CommandToApply _open;
    private List<CommandToApply> _records = [];
    private string[] _users = [];
    private Dictionary<string, long> _noted = [];

    [Params(10, 100)]
    public int Commands { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _open = Sample.ToApply(1, [Sample.Open]);
        _records = Sample.Claims(Records, Commands);
        _users = [.. Enumerable.Range(0, Records * Commands).Select(Sample.User)];
        _noted = new Dictionary<string, long>(_users.Length);
    }

    [Benchmark(Baseline = true)]
    public int NoteUsers()
    {
        _noted.Clear();
        foreach (var user in _users)
            _noted.TryAdd(user, user.Length);
        return _noted.Count;
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
