using System.Text;
using FlashSale.Core.Audit;
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

    /// <summary>A campaign that opens for one coupon has one root, whatever it is raised to: buckets fill, and users stand in their children.</summary>
    [Fact]
    public async Task Apply_QuantityRaisedTenThousandfold_SameAsModelAndTheAuditFindsEveryUserOnce()
    {
        const int users = 8_000;
        var (pair, connection) = await NewPairAsync();
        await using var _ = connection;
        var first = new CouponRecordBuilder();
        Assert.True(first.TryAdd(CouponCommand.Open("c", new CampaignSettings(1, 2, 0, 0, default), default, 1), out var _));
        Assert.True(first.TryAdd(CouponCommand.Change("c", new CampaignSettings(10_000, 2, 0, 0, default), 1), out var _));
        await pair.ApplyAsync([ToApply(1, first)], 0);
        for (var offset = 2; offset <= 21; offset++)
        {
            var record = new CouponRecordBuilder();
            for (var i = 0; i < 500; i++)
            {
                // The last 2,000 are second coupons of users all over.
                var user = (offset - 2) * 500 + i is var number && number < users ? number : number * 37 % users;
                Assert.True(record.TryAdd(CouponCommand.Claim("c", $"user-{user}", (ulong)number, 1), out var _));
            }

            Assert.All(Outcomes((await pair.ApplyAsync([ToApply(offset, record)], offset - 1))[0]), o => Assert.Equal(CouponOutcome.Issued, o));
        }

        var client = server.Client.GetDatabase();
        await pair.CompareStateAsync(7, client);
        foreach (var user in Enumerable.Range(0, users).Where(u => u % 97 == 0))
            await pair.CompareUserAsync($"user-{user}");
        var keys = new RedisCouponStore(connection).Keys.Of(SaleOf.Genesis.Partition);
        var fieldSizes = (await client.HashKeysAsync(keys[4])).Select(k => ((byte[])k!).Length).ToArray();
        Assert.True(fieldSizes.Max() >= 9, "no user stands three steps below a root");
        Assert.Equal(16, fieldSizes.Count(s => s == 7));

        var expected = pair.Model.ModelOf(SaleOf.Genesis.Partition)!.Campaigns[0];
        var audit = new RedisStateSource(connection);
        var fields = Enumerable.Range(0, users).Select(u => FieldOf($"user-{u}")).Append(FieldOf("nobody")).ToArray();
        var read = new List<StateUser>();
        foreach (var some in fields.Chunk(1_000))
            read.AddRange(await audit.ReadUsersAsync(SaleOf.Genesis.Partition, SaleOf.Genesis.Log, some));
        Assert.Equal(fields, read.Select(u => u.Field));
        Assert.Equal(users, read.Count(u => u.Coupons is not null));
        var scanned = new Dictionary<string, byte[]?>();
        var cursor = 0L;
        do
        {
            (cursor, var some) = await audit.ScanUsersAsync(SaleOf.Genesis.Partition, SaleOf.Genesis.Log, cursor);
            foreach (var user in some)
                scanned.Add(Convert.ToHexString(user.Field), user.Coupons);
        }
        while (cursor != 0);
        Assert.Equal(read.Where(u => u.Coupons is not null).ToDictionary(u => Convert.ToHexString(u.Field), u => u.Coupons), scanned);
        Assert.Equal(10_000, scanned.Values.Sum(c => c!.Length / ClaimEntry.Size));
        Assert.Equal(10_000, expected.State.Issued);
    }

    [Fact]
    public async Task Apply_CampaignSoldOut_UsersAreSpreadOverTheRoots()
    {
        const int quantity = 10_000;
        var (pair, connection) = await NewPairAsync();
        await using var _ = connection;
        var first = new CouponRecordBuilder();
        Assert.True(first.TryAdd(CouponCommand.Open("c", new CampaignSettings(quantity, 1, 0, 0, default), default, 1), out var _));
        await pair.ApplyAsync([ToApply(1, first)], 0);
        for (var offset = 2; offset <= 1 + quantity / 500; offset++)
        {
            var record = new CouponRecordBuilder();
            for (var i = 0; i < 500; i++)
                Assert.True(record.TryAdd(CouponCommand.Claim("c", $"user-{(offset - 2) * 500 + i:D7}", (ulong)i, 1), out var _));
            await pair.ApplyAsync([ToApply(offset, record)], 0);
        }

        // There are as many roots as coupons. With independent hashes 63 % of them would have users, and none more than nine, which is what fits in.
        var client = server.Client.GetDatabase();
        await pair.CompareStateAsync(7, client);
        var buckets = (await client.HashKeysAsync(new RedisCouponStore(connection).Keys.Of(SaleOf.Genesis.Partition)[4])).Select(k => ((byte[])k!).Length).Where(s => s >= 6).ToArray();
        Assert.All(buckets, s => Assert.Equal(6, s));
        Assert.InRange(buckets.Length, 0.6 * quantity, quantity);
    }

    private static byte[] FieldOf(string user) => [0, 0, .. Encoding.ASCII.GetBytes(user)];

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
