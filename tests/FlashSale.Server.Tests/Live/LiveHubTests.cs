using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Core.Log;
using FlashSale.Server.Hosting;
using FlashSale.Server.Live;
using Microsoft.Extensions.Configuration;

namespace FlashSale.Server.Tests.Live;

public sealed class LiveHubTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(10);

    private readonly CouponModel _model = new();
    private readonly LiveHub _hub = NewHub(3);
    private long _offset;

    [Fact]
    public async Task Next_First_SaysThatAllHasChanged()
    {
        using var watcher = Watch("campaign:a");
        Assert.True((await watcher.NextAsync(Long, CancellationToken.None)).AllCampaigns);
        var nothing = await watcher.NextAsync(TimeSpan.Zero, CancellationToken.None);
        Assert.Equal((false, 0, 0), (nothing.AllCampaigns, nothing.Campaigns.Count, nothing.Claims.Count));
    }

    [Fact]
    public async Task Publish_Campaigns_WakesThoseWhoWatchThem()
    {
        using var one = Watch("campaign:a");
        using var other = Watch("campaign:b,user:u9");
        using var all = Watch("campaigns");
        foreach (var watcher in new[] { one, other, all })
            await watcher.NextAsync(Long, CancellationToken.None);

        var waiting = one.NextAsync(Long, CancellationToken.None);
        Publish(Open("a"), Open("c"), Claim("a", "u1"));
        Assert.Equal(["a"], (await waiting).Campaigns);
        Assert.Equal(["a", "c"], (await all.NextAsync(Long, CancellationToken.None)).Campaigns.Order());
        var nothing = await other.NextAsync(TimeSpan.Zero, CancellationToken.None);
        Assert.Equal((0, 0), (nothing.Campaigns.Count, nothing.Claims.Count));
    }

    [Fact]
    public async Task Publish_Claims_TellsTheirUsersInOrder()
    {
        using var watcher = Watch("user:u1");
        await watcher.NextAsync(Long, CancellationToken.None);
        Publish(Open("a"), Claim("a", "u1"), Claim("a", "u2"), Claim("a", "u1"), Claim("nowhere", "u1"));
        var claims = (await watcher.NextAsync(Long, CancellationToken.None)).Claims;
        Assert.Equal([CouponOutcome.Issued, CouponOutcome.AlreadyClaimed, CouponOutcome.CampaignUnknown], claims.Select(c => c.Decision.Outcome));
        Assert.Equal(["a", "a", "nowhere"], claims.Select(c => c.CampaignId));
    }

    [Fact]
    public async Task Publish_WatcherDoesNotRead_KeepsTheLatest()
    {
        using var watcher = Watch("campaigns,user:u");
        Publish(Open("a"));
        for (var record = 0; record < 3; record++)
            Publish([.. Enumerable.Range(0, 500).Select(_ => Claim("a", "u"))]);
        var news = await watcher.NextAsync(Long, CancellationToken.None);
        Assert.Equal(LiveSubscription.ClaimsMax, news.Claims.Count);
        Assert.DoesNotContain(news.Claims, c => c.Decision.Outcome == CouponOutcome.Issued);
        Assert.True(news.AllCampaigns);
        Assert.Empty(news.Campaigns);
    }

    [Fact]
    public async Task Renew_Watching_SaysThatAllHasChanged()
    {
        using var all = Watch("campaigns");
        using var one = Watch("campaign:a");
        await all.NextAsync(Long, CancellationToken.None);
        await one.NextAsync(Long, CancellationToken.None);
        _hub.Renew();
        Assert.True((await all.NextAsync(Long, CancellationToken.None)).AllCampaigns);
        Assert.True((await one.NextAsync(Long, CancellationToken.None)).AllCampaigns);
    }

    [Fact]
    public void TrySubscribe_Full_RefusesUntilSomebodyLeaves()
    {
        using var first = Watch("campaigns");
        using var second = Watch("campaign:a");
        var third = Watch("user:u");
        Assert.False(_hub.TrySubscribe(LiveTopics.Parse("campaigns").Topics!, out _));
        third.Dispose();
        third.Dispose();
        Assert.Equal(2, _hub.Count);
        using var fourth = Watch("user:u");
        Assert.Equal(3, _hub.Count);
    }

    [Fact]
    public void Dispose_WhileNewsCome_HarmsNobody()
    {
        var hub = NewHub(1_000);
        var (told, record) = Event(Open("a"), Claim("a", "u"));
        Parallel.For(0, 4, i =>
        {
            for (var round = 0; round < 2_000; round++)
            {
                if (i == 0)
                {
                    hub.Publish(0, told, record);
                    continue;
                }

                Assert.True(hub.TrySubscribe(LiveTopics.Parse(round % 2 == 0 ? "campaign:a,user:u" : "campaigns").Topics!, out var watcher));
                watcher.Dispose();
            }
        });
        Assert.Equal(0, hub.Count);
        Assert.Empty(hub.TakeTouched().Except(["a"]));
    }

    [Fact]
    public async Task Publish_ManyThreads_LosesNoCampaign()
    {
        using var watcher = Watch("campaigns");
        await watcher.NextAsync(Long, CancellationToken.None);
        var telling = Task.Run(() => Parallel.For(0, 1_000, i => _hub.CampaignChanged($"c{i}")));
        var seen = new HashSet<string>();
        while (seen.Count < 1_000)
        {
            var news = await watcher.NextAsync(Long, CancellationToken.None);
            Assert.NotEmpty(news.Campaigns);
            seen.UnionWith(news.Campaigns);
        }

        await telling;
    }

    private LiveSubscription Watch(string topics)
    {
        Assert.True(_hub.TrySubscribe(LiveTopics.Parse(topics).Topics!, out var subscription));
        return subscription;
    }

    private void Publish(params CouponCommand[] commands)
    {
        var (told, record) = Event(commands);
        _hub.Publish(0, told, record);
    }

    private (EventRecord Told, DecidedRecord Record) Event(params CouponCommand[] commands)
    {
        var builder = new CouponRecordBuilder();
        foreach (var command in commands)
            Assert.True(builder.TryAdd(command, out _));
        var id = new RecordId((ulong)++_offset);
        var bytes = builder.Build(id);
        var outcomes = _model.Apply(_offset, CouponMachine.Instance.Inspect(bytes), bytes);
        var told = new EventRecord(id, new LogId(Guid.NewGuid()), new RecordPosition(_offset, id), commands.Length, 1, bytes, outcomes);
        return (told, DecidedRecord.Read(told, static (DecidedRecord _, in CouponCommandView _, CouponOutcome _, int _) => { }));
    }

    private static CouponCommand Open(string campaign) => CouponCommand.Open(campaign, new CampaignSettings(10, 1, 0, 0, "{}"u8.ToArray()), default, 1);

    private static CouponCommand Claim(string campaign, string user) => CouponCommand.Claim(campaign, user, (ulong)Random.Shared.NextInt64(), 1);

    private static LiveHub NewHub(int watchersMax) => new(Settings.Read(
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Profile"] = "embedded", ["Live:WatchersMax"] = $"{watchersMax}" }).Build(),
        development: true));
}
