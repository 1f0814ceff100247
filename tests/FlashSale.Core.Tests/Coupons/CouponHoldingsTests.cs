using System.Text;
using FlashSale.Core.Coupons;

namespace FlashSale.Core.Tests.Coupons;

[Collection(MeasuresMemory.Name)]
public sealed class CouponHoldingsTests
{
    [Fact]
    public void Add_ManyUsersAndCoupons_AreFoundAsInADictionary()
    {
        var random = new Random(3);
        var holdings = new CouponHoldings();
        var expected = new Dictionary<string, List<ClaimEntry>>();
        for (var i = 0; i < 60_000; i++)
        {
            var user = $"user-{random.Next(20_000)}".PadRight(random.Next(2) == 0 ? 1 : Identifier.LengthMax, 'x');
            var entry = new ClaimEntry(i, random.NextInt64(1L << 48), random.Next(1 << 16), (ulong)random.NextInt64(), random.NextInt64(1L << 48), CouponState.Issued);
            holdings.Add(Encoding.ASCII.GetBytes(user), entry);
            if (!expected.TryGetValue(user, out var entries))
                expected.Add(user, entries = []);
            entries.Add(entry);
        }

        Assert.Equal((expected.Count, 60_000), (holdings.Users, holdings.Coupons));
        foreach (var (user, entries) in expected)
            Assert.Equal(entries, Read(holdings.Of(Encoding.ASCII.GetBytes(user))));
        var walked = new HashSet<string>();
        for (var walk = holdings.Walk(); walk.MoveNext();)
        {
            var user = Encoding.ASCII.GetString(walk.User);
            Assert.True(walked.Add(user));
            Assert.Equal(expected[user], Read(walk.Coupons));
        }

        Assert.Equal(expected.Count, walked.Count);
        Assert.Empty(Read(holdings.Of("nobody"u8)));
    }

    [Fact]
    public void Add_AMillionCoupons_TakesLessThan60BytesEach()
    {
        const int Users = 1_000_000;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var holdings = new CouponHoldings();
        Span<byte> user = stackalloc byte[11];
        for (var i = 0; i < Users; i++)
        {
            Assert.True(i.TryFormat(user, out _, "D11"));
            holdings.Add(user, new ClaimEntry(i, i, 0, 0, 0, CouponState.Issued));
        }

        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)holdings.Coupons;
        Assert.InRange(bytes, 32, 60);
    }

    [Fact]
    public void Of_Empty_HasNone()
    {
        var holdings = new CouponHoldings();
        Assert.True(holdings.Of("ann"u8).IsEmpty);
        Assert.False(holdings.Walk().MoveNext());
    }

    private static List<ClaimEntry> Read(CouponHoldings.UserCouponsView coupons)
    {
        var entries = new List<ClaimEntry>();
        foreach (var coupon in coupons)
            entries.Add(ClaimEntry.Read(coupon));
        return entries;
    }
}

/// <summary>Tests that look at the memory of the whole process: nothing runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class MeasuresMemory
{
    public const string Name = "measures memory";
}
