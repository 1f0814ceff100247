using FlashSale.Core.Audit;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Audit;

/// <summary>What cannot be compared is told in words.</summary>
public sealed class RefusedTests
{
    [Fact]
    public Task Audit_EmptyLog_IsRefused() => AssertRefusedAsync("is empty: there is nothing to audit", w => w.Commands.Clear());

    [Fact]
    public Task Audit_NoGenesis_IsRefused() => AssertRefusedAsync("does not begin with a genesis record", w => w.Commands.RemoveAt(0));

    [Fact]
    public Task Audit_OtherPartition_IsRefused() => AssertRefusedAsync("the topics were mixed up", w => w.Commands[0] = (w.Genesis with { Partition = 3 }).Encode());

    [Fact]
    public Task Audit_NewerRules_IsRefused() => AssertRefusedAsync("update this program", w => w.Commands[0] = (w.Genesis with { Rules = 2 }).Encode());

    [Fact]
    public Task Audit_StateOfAnotherLog_IsRefused() => AssertRefusedAsync("another cluster's Redis", w => w.State.Cut = StateCut.Refused(FenceState.OtherLog));

    [Fact]
    public Task Audit_LedgerOfAnotherLog_IsRefused() => AssertRefusedAsync(
        "another cluster's database", w => w.Ledger.Cut = w.Ledger.Cut! with { Mark = w.Ledger.Cut.Mark with { Log = new LogId(Guid.NewGuid()) } });

    [Fact]
    public async Task Audit_StartDeleted_IsRefused()
    {
        var log = new MemoryLog { Start = 3 };
        log.Records("coupon-commands").AddRange((await AuditWorld.CreateAsync()).Commands);
        var refused = await Assert.ThrowsAsync<LogRefusedException>(() => PartitionAudit.ReadGenesisAsync(log, MachineTopics.Coupon, 0, CancellationToken.None));
        Assert.Contains("was deleted", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FenceState.Missing, "it is missing")]
    [InlineData(FenceState.Torn, "it is torn")]
    public async Task Audit_StateNotWhole_IsNotCompared(FenceState state, string expected)
    {
        var world = await AuditWorld.CreateAsync();
        world.State.Cut = StateCut.Refused(state);
        var report = await world.AuditAsync();
        Assert.Equal([], world.Differences.First);
        Assert.Contains(expected, Assert.Single(report.NotCompared), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Told_LastLineCutOff_IsLeftOut()
    {
        var world = await AuditWorld.CreateAsync();
        var told = ToldClaims.Read(new StringReader(string.Join('\n', world.Told) + "\naccepted 77 AQA"));
        Assert.Equal(world.Claims.Count, told.Accepted);
        Assert.Equal(world.Claims.Count, told.Decided);
    }

    [Theory]
    [InlineData("", "it does not begin with 'flashsale-told 1'")]
    [InlineData("flashsale-told 1\naccepted 1 x\ndoor 1 a sold-out\n", "line 2 cannot be read")]
    [InlineData("flashsale-told 1\nissued 1 x\ndoor 1 a sold-out\n", "line 2 cannot be read")]
    [InlineData("flashsale-told 1\nrefused 1 hungry\ndoor 1 a sold-out\n", "line 2 cannot be read")]
    public void Told_NoSuchFile_IsRefused(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => ToldClaims.Read(new StringReader(text))).Message, StringComparison.Ordinal);

    private static async Task AssertRefusedAsync(string expected, Action<AuditWorld> plant)
    {
        var world = await AuditWorld.CreateAsync();
        plant(world);
        var refused = await Assert.ThrowsAsync<LogRefusedException>(world.AuditAsync);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }
}
