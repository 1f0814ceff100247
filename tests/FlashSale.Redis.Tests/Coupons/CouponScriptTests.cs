using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Redis.Tests.Servers;

namespace FlashSale.Redis.Tests.Coupons;

/// <summary>Script and model agree where random histories do not come to: at the limits of a partition.</summary>
[Collection(SharedRedisCollection.Name)]
public sealed class CouponScriptTests(SharedRedis server)
{
    [Fact]
    public async Task Apply_MoreChangesThanKept_SameAsModel()
    {
        var (pair, connection) = await NewPairAsync();
        await using var _ = connection;
        var offset = 0L;
        var seen = new HashSet<CouponOutcome>();
        for (var round = 0; round < 2; round++)
        {
            var record = new CouponRecordBuilder();
            for (var i = 0; i < 1_200; i++)
            {
                var settings = new CampaignSettings(10 + i, 1, 0, 0, default);
                Assert.True(record.TryAdd(i == 0 ? CouponCommand.Open("c", settings, default, 1)
                    : i % 5 == 0 ? CouponCommand.Close("c", 1) : CouponCommand.Change("c", settings, 1), out var _));
            }

            foreach (var outcome in await pair.ApplyAsync([ToApply(++offset, record)], 0))
                seen.UnionWith(Outcomes(outcome));
        }

        Assert.Contains(CouponOutcome.ChangeLimit, seen);
        await pair.CompareStateAsync(7, server.Client.GetDatabase());
    }

    [Fact]
    public async Task Apply_MoreCampaignsThanAllowed_SameAsModel()
    {
        var (pair, connection) = await NewPairAsync();
        await using var _ = connection;
        var settings = new CampaignSettings(2, 1, 0, 0, default);
        var seen = new HashSet<CouponOutcome>();
        for (var offset = 1; offset <= 17; offset++)
        {
            var record = new CouponRecordBuilder();
            for (var i = 0; i < 1_000; i++)
            {
                Assert.True(record.TryAdd(CouponCommand.Open($"c{offset}-{i}", settings, default, 1), out var _));
                Assert.True(record.TryAdd(CouponCommand.Claim($"c{offset}-{i}", "u", (ulong)i, 1), out var _));
            }

            seen.UnionWith(Outcomes((await pair.ApplyAsync([ToApply(offset, record)], 0))[0]));
        }

        Assert.Contains(CouponOutcome.CampaignLimit, seen);
        await pair.CompareStateAsync(7, server.Client.GetDatabase());
    }

    private static CommandToApply ToApply(long offset, CouponRecordBuilder record)
    {
        var bytes = record.Build(new RecordId((ulong)offset * 7919));
        return new CommandToApply(offset, CouponRecord.Inspect(bytes), bytes);
    }

    private static HashSet<CouponOutcome> Outcomes(byte[] bytes)
    {
        var seen = new HashSet<CouponOutcome>();
        var outcomes = CouponOutcomes.Open(bytes);
        while (outcomes.TryNext(out var outcome, out _))
            seen.Add(outcome);
        return seen;
    }

    private async Task<(PartitionPair Pair, RedisConnection Connection)> NewPairAsync()
    {
        var connection = server.NewConnection();
        var pair = new PartitionPair(new RedisCouponStore(connection), SaleOf.Genesis);
        await connection.ConnectAsync(CancellationToken.None);
        await pair.ResetAsync();
        return (pair, connection);
    }
}
