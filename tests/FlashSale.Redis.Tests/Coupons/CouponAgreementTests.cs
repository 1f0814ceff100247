using FlashSale.Core.Coupons;
using FlashSale.Redis.Tests.Servers;
using StackExchange.Redis;

namespace FlashSale.Redis.Tests.Coupons;

/// <summary>Script and model agree on one server: half a million commands of histories that are new at every run.</summary>
[Collection(SharedRedisCollection.Name)]
public sealed class CouponAgreementTests(SharedRedis server)
{
    private const int CommandsEach = 500_000;

    public static TheoryData<string> Shapes => new(AgreementShape.All.Select(s => s.Name));

    [Theory]
    [MemberData(nameof(Shapes))]
    public Task Apply_RandomHistories_SameAsModel(string shape) =>
        Agreement.RunAsync(AgreementShape.All.Single(s => s.Name == shape), server.NewConnection, server.Client.GetDatabase());

    [Fact]
    public void Shapes_Together_AreAMillionOnServerAndCluster() =>
        Assert.Equal(CommandsEach, AgreementShape.All.Sum(s => s.Commands));

    [Fact]
    public void Histories_Together_MeetEveryOutcome()
    {
        // The two limits are met by tests of their own.
        var seen = new HashSet<CouponOutcome> { CouponOutcome.None, CouponOutcome.ChangeLimit, CouponOutcome.CampaignLimit };
        var model = new CouponModel();
        var history = new CouponHistory(1, AgreementShape.All[0].Sizes, id => model.Find(id)?.State);
        while (history.Commands < AgreementShape.All[0].CommandsEach)
        {
            foreach (var record in history.NextBatch())
            {
                var outcomes = CouponOutcomes.Open(model.Apply(record.Offset, record.Info, record.Value.Span));
                while (outcomes.TryNext(out var outcome, out _))
                    seen.Add(outcome);
            }
        }

        Assert.Equal(Enum.GetValues<CouponOutcome>().Order(), seen.Order());
    }
}

/// <summary>The same on a cluster of three nodes.</summary>
public sealed class CouponClusterAgreementTests(CouponClusterAgreementTests.Cluster cluster) : IClassFixture<CouponClusterAgreementTests.Cluster>
{
    public static TheoryData<string> Shapes => CouponAgreementTests.Shapes;

    [OwnServerTheory]
    [MemberData(nameof(Shapes))]
    public Task Apply_RandomHistories_SameAsModel(string shape) =>
        Agreement.RunAsync(AgreementShape.All.Single(s => s.Name == shape), cluster.NewConnection, cluster.Client!.GetDatabase());

    public sealed class Cluster : IAsyncLifetime
    {
        private RedisCluster? _nodes;
        private int _prefixes;

        public ConnectionMultiplexer? Client { get; private set; }

        public async Task InitializeAsync()
        {
            if (RedisServer.Binary is null)
                return;
            _nodes = await RedisCluster.StartAsync(3);
            Client = await RedisServer.OpenAsync(_nodes.Addresses);
        }

        public RedisConnection NewConnection() => new(
            new RedisOptions { Endpoints = _nodes!.Addresses, KeyPrefix = $"t{Interlocked.Increment(ref _prefixes)}", CommandTimeout = TimeSpan.FromSeconds(20) },
            TimeProvider.System);

        public async Task DisposeAsync()
        {
            Client?.Dispose();
            if (_nodes is not null)
                await _nodes.DisposeAsync();
        }
    }
}
