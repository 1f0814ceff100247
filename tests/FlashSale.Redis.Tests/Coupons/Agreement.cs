using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using StackExchange.Redis;

namespace FlashSale.Redis.Tests.Coupons;

/// <summary>One kind of history and its share of the commands.</summary>
/// <param name="Histories">Several short ones rather than a long one: in time everything is sold out.</param>
public sealed record AgreementShape(string Name, CouponHistorySizes Sizes, int Histories, int CommandsEach)
{
    /// <summary>Together half a million commands for each of the two: a server, a cluster.</summary>
    public static readonly IReadOnlyList<AgreementShape> All =
    [
        new("small", new CouponHistorySizes(), Histories: 24, CommandsEach: 5_000),
        new("many-users", new CouponHistorySizes(Campaigns: 3, Users: 4_000, ClaimIds: 100_000, QuantityMax: 9_000, PerUserMax: 3, RecordCommandsMax: 2_000, BatchRecordsMax: 4), Histories: 6, CommandsEach: 28_000),
        new("few-users", new CouponHistorySizes(Campaigns: 2, Users: 3, ClaimIds: 600, QuantityMax: 3_000, PerUserMax: 1_000, RecordCommandsMax: 300), Histories: 6, CommandsEach: 10_000),
        new("many-campaigns", new CouponHistorySizes(Campaigns: 3_000, Users: 5, QuantityMax: 3, RecordCommandsMax: 2_000, BatchRecordsMax: 3), Histories: 6, CommandsEach: 12_000),
        new("full-records", new CouponHistorySizes(Campaigns: 40, Users: 300, ClaimIds: 4_000, QuantityMax: 900, RecordCommandsMax: 4, BatchRecordsMax: 5, FullRecords: 4), Histories: 4, CommandsEach: 20_000),
    ];

    public int Commands => Histories * CommandsEach;

    public override string ToString() => Name;
}

/// <summary>Feeds histories to model and script, and compares everything that either says.</summary>
internal static class Agreement
{
    private const int HistoriesAtATime = 3;
    private const int FullComparisons = 4;

    /// <summary>Takes the place of the fresh seeds: the one that a failure has named.</summary>
    private const string SeedVariable = "FLASHSALE_TEST_SEED";

    /// <param name="connect">A connection with a key prefix of its own.</param>
    /// <param name="client">For looking at the keys.</param>
    public static async Task RunAsync(AgreementShape shape, Func<RedisConnection> connect, IDatabase client)
    {
        var given = int.TryParse(Environment.GetEnvironmentVariable(SeedVariable), out var seed);
        var first = given ? seed : Random.Shared.Next();
        // Each history has a partition of its own; in a cluster they lie on different nodes.
        await Parallel.ForEachAsync(Enumerable.Range(0, given ? 1 : shape.Histories), new ParallelOptions { MaxDegreeOfParallelism = HistoriesAtATime },
            async (number, _) => await RunAsync(shape, unchecked(first + number), connect, client));
    }

    private static async Task RunAsync(AgreementShape shape, int seed, Func<RedisConnection> connect, IDatabase client)
    {
        try
        {
            await using var connection = connect();
            await connection.ConnectAsync(CancellationToken.None);
            var store = new RedisCouponStore(connection);
            await RunAsync(shape, seed, store, client);
            foreach (var key in store.Keys.Of(PartitionOf(seed)))
                await client.KeyDeleteAsync(key);
        }
        catch (Exception e)
        {
            throw new Xunit.Sdk.XunitException($"history {shape.Name} with seed {seed} ({SeedVariable}={seed} brings it again): {e.Message}", e);
        }
    }

    // Spread over the nodes of a cluster, and the same at every replay.
    private static int PartitionOf(int seed) => (seed & int.MaxValue) % 1_000;

    private static async Task RunAsync(AgreementShape shape, int seed, RedisCouponStore store, IDatabase client)
    {
        var random = new Random(seed);
        PartitionPair? pair = null;
        var history = new CouponHistory(seed, shape.Sizes, id => pair!.Model.ModelOf(PartitionOf(seed))!.Find(id)?.State, PartitionOf(seed));
        pair = new PartitionPair(store, history.Genesis);
        await pair.ResetAsync();
        var told = 0L;
        var outcomes = new Dictionary<(long Offset, int Index), CouponOutcome>();
        var compared = 0;
        while (history.Commands < shape.CommandsEach)
        {
            var batch = history.NextBatch();
            if (random.Next(4) == 0)
                told = random.NextInt64(told, Math.Max(told, pair.Applied.Offset + (random.Next(20) == 0 ? 9 : 0)) + 1);
            Note(outcomes, batch, await pair.ApplyAsync(batch, random.Next(8) == 0 ? told / 2 : told));
            if (random.Next(10) == 0)
                await pair.TakeOverAsync((ulong)random.NextInt64());
            if (random.Next(6) == 0 && history.Claims.Count > 0)
                await CompareClaimsAsync(pair, history, outcomes, random);
            if (history.Commands * (long)FullComparisons / shape.CommandsEach > compared)
            {
                compared++;
                await pair.CompareStateAsync((ulong)random.NextInt64(), client);
            }
        }

        await pair.CompareStateAsync((ulong)random.NextInt64(), client);
        for (var i = 0; i < 200; i++)
            await CompareClaimsAsync(pair, history, outcomes, random);
        foreach (var ((offset, index), _) in outcomes.Where(o => o.Value is CouponOutcome.CampaignOpened or CouponOutcome.CampaignChanged or CouponOutcome.CampaignClosed).Take(100))
            await pair.CompareClaimAsync(history.Claims[random.Next(history.Claims.Count)] with { Offset = offset, Index = index }, CouponOutcome.None);
    }

    /// <summary>A claim of the history, one that never was (near the end of what is applied), and a user.</summary>
    private static async Task CompareClaimsAsync(
        PartitionPair pair, CouponHistory history, Dictionary<(long Offset, int Index), CouponOutcome> outcomes, Random random)
    {
        var claim = history.Claims[random.Next(history.Claims.Count)];
        await pair.CompareClaimAsync(claim, outcomes[(claim.Offset, claim.Index)]);
        await pair.CompareClaimAsync(
            claim with { Offset = pair.Applied.Offset + random.Next(-1, 2), Index = random.Next(4), ClaimId = claim.ClaimId + (ulong)random.Next(2) }, CouponOutcome.None);
        if (random.Next(4) == 0)
            await pair.CompareUserAsync(claim.UserId);
    }

    private static void Note(Dictionary<(long Offset, int Index), CouponOutcome> all, List<CommandToApply> batch, IReadOnlyList<byte[]> outcomes)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            var reader = CouponOutcomes.Open(outcomes[i]);
            for (var index = 0; reader.TryNext(out var outcome, out _); index++)
                all.Add((batch[i].Offset, index), outcome);
        }
    }
}
