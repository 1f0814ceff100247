using System.Buffers.Binary;
using FlashSale.Core.Audit;
using FlashSale.Core.Coupons;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Audit;

/// <summary>Every kind of corruption, planted one by one, is found under its invariant; clean data raises no alarm.</summary>
public sealed class CorruptionTests
{
    private static readonly Dictionary<string, (string Expected, Action<AuditWorld> Plant)> Kinds = new()
    {
        ["event-missing"] = ("I3 events 0:9: the record has no event", w => w.Events.RemoveAt(8)),
        ["event-repeated-differently"] = ("I6 events 0:3: the record was told twice", w => w.Events.Insert(6, w.Events[2] with { Outcomes = w.Events[1].Outcomes })),
        ["events-swapped"] = ("I4 events 0:9: the event stands behind that of a later record", w => (w.Events[8], w.Events[9]) = (w.Events[9], w.Events[8])),
        ["event-outcome-issued"] = ("I4 events 0:13:", w => Retell(w, 13, (_, o) => o == CouponOutcome.SoldOut, CouponOutcome.Issued)),
        ["event-oversold"] = ("I1 events 0:13:", w => Retell(w, 13, (_, o) => o == CouponOutcome.SoldOut, CouponOutcome.Issued)),
        ["event-undersold"] = ("I8 events 0:2:0: refused as sold out", w => Retell(w, 2, (_, o) => o == CouponOutcome.Issued, CouponOutcome.SoldOut)),
        ["event-over-per-user"] = ("I2 events ", w => Retell(w, w.Claims.First(c => c.Outcome == CouponOutcome.AlreadyClaimed).Address.Offset, (_, o) => o == CouponOutcome.AlreadyClaimed, CouponOutcome.Issued)),
        ["event-other-reason"] = ("I4 events 0:13:", w => Retell(w, 13, (_, o) => o == CouponOutcome.SoldOut, CouponOutcome.NotOpen)),
        ["event-number-off"] = ("I4 events 0:4:", w => Outcomes(w, 4, o => o[^1] ^= 1)),
        ["event-campaign-state"] = ("I4 events 0:4: a campaign as of this record", w => Outcomes(w, 4, o => o[2 + 2 + 26]++)),
        ["event-cut-short"] = ("I4 events 0:4:", w => w.Events[3] = w.Events[3] with { Outcomes = w.Events[3].Outcomes[..1] }),
        ["event-outcome-missing"] = ("I3 events 0:4:", w => w.Events[3] = w.Events[3] with { Outcomes = w.Events[3].Outcomes[..^5] }),
        ["event-outcome-too-many"] = ("I3 events 0:4:", w => w.Events[3] = w.Events[3] with { Outcomes = (byte[])[.. w.Events[3].Outcomes.Span, (byte)CouponOutcome.SoldOut] }),
        ["event-other-record"] = ("I3 events 0:4: the event answers another record", w => w.Events[3] = w.Events[3] with { Answers = new RecordPosition(4, new RecordId(1)) }),
        ["event-count-off"] = ("I3 events 0:4: commands decided up to here", w => w.Events[3] = w.Events[3] with { Commands = 1 }),
        ["event-other-log"] = ("I3 events 0: the event at offset 3 answers another log", w => w.Events[3] = w.Events[3] with { Log = new LogId(Guid.Empty) }),
        ["event-other-command"] = ("I3 events 0:4: the event carries another command record", w => w.Events[3] = w.Events[3] with { Command = w.Commands[5] }),
        ["event-without-command"] = ("I3 events 0:99: an event answers a command that is not in the log", w => w.Events.Add(w.Events[3] with { Answers = new RecordPosition(99, new RecordId(1)) })),
        ["event-garbage"] = ("I3 events 0: the record at offset 3 of the events", w => w.RawEvents[3] = [1, 2, 3]),
        ["command-changed"] = ("I3 events 0:4: the event carries another command record", w => w.Commands[4][^1] ^= 1),
        ["command-lost-at-the-end"] = ("I3 events 0:19: an event answers a command that is not in the log", w => w.Commands.RemoveAt(19)),

        ["redis-count-off"] = ("I7 redis 0:19: campaign spring", w => Campaign(w, 0, c => c with { State = With(c.State, 26, 1) })),
        ["redis-user-missing"] = ("I7 redis ", w => w.State.Users.Remove(w.State.Users.Keys.First())),
        ["redis-user-renamed"] = ("that zz holds: expected none", w => Rename(w, FakeState.FieldOf(0, "zz"))),
        ["redis-user-extra"] = ("that zz holds: expected none", w => w.State.Users.Add(FakeState.FieldOf(0, "zz"), w.State.Users.Values.First())),
        ["redis-claim-id"] = ("I7 redis ", w => Coupon(w, 12)),
        ["redis-coupon-address"] = ("I7 redis ", w => Coupon(w, 9)),
        ["redis-coupon-number"] = ("I7 redis ", w => Coupon(w, 3)),
        ["redis-coupon-state"] = ("I7 redis ", w => Coupon(w, 26)),
        ["redis-coupon-twice"] = ("I7 redis ", w => w.State.Users[w.State.Users.Keys.First()] = [.. w.State.Users.Values.First(), .. w.State.Users.Values.First()]),
        ["redis-coupon-cut"] = ("pieces of 27 bytes", w => w.State.Users[w.State.Users.Keys.First()] = [.. w.State.Users.Values.First(), 0]),
        ["redis-applied-too-high"] = ("I7 redis 0:99: offset applied", w => w.State.Cut = w.State.Cut with { Applied = new RecordPosition(99, default) }),
        ["redis-applied-other-record"] = ("I7 redis 0:19: record applied last", w => w.State.Cut = w.State.Cut with { Applied = w.State.Cut.Applied with { Record = new RecordId(1) } }),
        ["redis-applied-too-low"] = ("I7 redis 0:18:", w => w.State.Cut = w.State.Cut with { Applied = new RecordPosition(18, CouponRecord.Inspect(w.Commands[18]).Id) }),
        ["redis-commands-off"] = ("I7 redis 0:19: commands decided", w => w.State.Cut = w.State.Cut with { Commands = 1 }),
        ["redis-told-too-high"] = ("I7 redis 0:19: offset told", w => w.State.Cut = w.State.Cut with { Told = 20 }),
        ["redis-recent-changed"] = ("I7 redis 0:18: outcomes kept for telling them", w => w.State.Cut.Recent[18][^1] ^= 1),
        ["redis-recent-missing"] = ("I7 redis 0:18: outcomes kept until they are told", w => w.State.Cut = w.State.Cut with { Recent = w.State.Cut.Recent.Where(r => r.Key != 18).ToDictionary() }),
        ["redis-recent-extra"] = ("I7 redis 0:2: outcomes kept until they are told", w => w.State.Cut = w.State.Cut with { Recent = w.State.Cut.Recent.Append(KeyValuePair.Create(2L, w.Events[1].Outcomes.ToArray())).ToDictionary() }),
        ["redis-description"] = ("I7 redis 0:19: description of spring", w => Campaign(w, 0, c => c with { Description = "{ }"u8.ToArray() })),
        ["redis-changes"] = ("I7 redis 0:19: changes of summer", w => Campaign(w, 1, c => c with { Changes = c.Changes[23..] })),
        ["redis-campaign-missing"] = ("I7 redis 0:19: campaign winter", w => w.State.Cut = w.State.Cut with { Campaigns = [.. w.State.Cut.Campaigns.Take(2)] }),
        ["redis-campaign-extra"] = ("I7 redis 0:19: campaign ghost", w => w.State.Cut = w.State.Cut with { Campaigns = [.. w.State.Cut.Campaigns, w.State.Cut.Campaigns[0] with { CampaignId = "ghost" }] }),
        ["redis-campaign-seed"] = ("I7 redis 0:19: campaign spring", w => Campaign(w, 0, c => c with { State = With(c.State, 48, 1) })),

        ["ledger-row-missing"] = ("row of a coupon", w => w.Ledger.Coupons.RemoveAt(5)),
        ["ledger-row-doubled"] = ("I5 ledger 0:15:7: row of a coupon: expected none", w => w.Ledger.Coupons.Add(w.Ledger.Coupons[5] with { Address = new RecordAddress(0, 15, 7), Sequence = 999 })),
        ["ledger-number-below-zero"] = ("row of a coupon: expected none", w => w.Ledger.Coupons.Add(w.Ledger.Coupons[5] with { Sequence = -7 })),
        ["ledger-other-user"] = (": user: expected", w => Row(w, r => r with { UserId = "zz" })),
        ["ledger-code"] = (": coupon code: expected", w => Row(w, r => r with { CouponCode = w.Ledger.Coupons[6].CouponCode })),
        ["ledger-number"] = ("number 78 of", w => Row(w, r => r with { Sequence = 77 })),
        ["ledger-claim-id"] = (": claim id: expected", w => Row(w, r => r with { ClaimId = 77 })),
        ["ledger-instant"] = (": instant: expected", w => Row(w, r => r with { InstantMs = 77 })),
        ["ledger-other-campaign"] = ("row of a coupon: expected none, found winter number", w => Row(w, r => r with { CampaignId = "winter", Sequence = 999 })),
        ["ledger-unknown-campaign"] = ("row of a coupon: expected none, found ghost number", w => w.Ledger.Coupons.Add(w.Ledger.Coupons[5] with { CampaignId = "ghost" })),
        ["ledger-other-partition"] = (": address: expected", w => Row(w, r => r with { Address = r.Address with { Partition = 7 } })),
        ["ledger-row-moved"] = (": address: expected", w => Row(w, r => r with { Address = r.Address with { Index = 60 } })),
        ["ledger-refusals-off"] = ("claims of spring with sold-out", w => Count(w, CouponOutcome.SoldOut, 1)),
        ["ledger-refusals-missing"] = ("claims of records that cannot be read with undecodable", w => w.Ledger.Cut = w.Ledger.Cut! with { Refusals = [.. w.Ledger.Cut.Refusals.Where(r => r.CampaignId.Length > 0)] }),
        ["ledger-refusals-extra"] = ("claims of ghost with sold-out", w => w.Ledger.Cut = w.Ledger.Cut! with { Refusals = [.. w.Ledger.Cut.Refusals, new LedgerRefusalCount("ghost", CouponOutcome.SoldOut, 1)] }),
        ["ledger-refusals-unknown"] = ("a reason that does not exist", w => w.Ledger.Cut = w.Ledger.Cut! with { Refusals = [.. w.Ledger.Cut.Refusals, new LedgerRefusalCount("spring", CouponOutcome.None, 1)] }),
        ["ledger-campaign-missing"] = ("campaign winter", w => w.Ledger.Cut = w.Ledger.Cut! with { Campaigns = [.. w.Ledger.Cut.Campaigns.Where(c => c.CampaignId != "winter")] }),
        ["ledger-campaign-extra"] = ("campaign ghost", w => w.Ledger.Cut = w.Ledger.Cut! with { Campaigns = [.. w.Ledger.Cut.Campaigns, w.Ledger.Cut.Campaigns[0] with { CampaignId = "ghost" }] }),
        ["ledger-campaign-issued"] = ("campaign spring: expected", w => LedgerCampaign(w, c => c with { State = c.State with { Issued = 19 } })),
        ["ledger-description"] = ("description of spring", w => LedgerCampaign(w, c => c with { Description = "" })),
        ["ledger-mark-too-high"] = ("offset written up to", w => Mark(w, m => m with { Written = new RecordPosition(99, default) })),
        ["ledger-mark-too-low"] = ("I5 ledger 0:19: a coupon behind the mark", w => { LastIssued(w, 19); Mark(w, m => m with { Written = new RecordPosition(18, CouponRecord.Inspect(w.Commands[18]).Id) }); }
        ),
        ["ledger-mark-other-record"] = ("record written last", w => Mark(w, m => m with { Written = m.Written with { Record = new RecordId(1) } })),
        ["ledger-mark-ahead-of-events"] = ("the last one that an event answers", w => w.Events.RemoveAt(w.Events.Count - 1)),
        ["ledger-event-offset"] = ("next event to be read", w => Mark(w, m => m with { EventOffset = 99 })),
        ["ledger-empty"] = ("row of a coupon", w => w.Ledger.Coupons.Clear()),

        ["told-issued-was-refused"] = ("I4 told ", w => Answer(w, CouponOutcome.SoldOut, "issued {0} 2222222222222222")),
        ["told-refused-was-issued"] = ("I4 told ", w => Answer(w, CouponOutcome.Issued, "refused {0} sold-out")),
        ["told-other-reason"] = ("I4 told ", w => Answer(w, CouponOutcome.SoldOut, "refused {0} closed")),
        ["told-other-code"] = ("coupon code told", w => Answer(w, CouponOutcome.Issued, "issued {0} 2222222222222222")),
        ["told-two-answers"] = ("I6 told ", w => w.Told.Add("refused 0 sold-out")),
        ["told-not-in-log"] = ("an accepted claim: expected a claim in the log", w => Accept(w, new RecordAddress(0, 99, 0))),
        ["told-index-not-in-record"] = ("an accepted claim: expected a claim in the log", w => Accept(w, new RecordAddress(0, 3, 60))),
        ["told-other-claim"] = ("an accepted claim: expected the claim of the ticket", w => Accept(w, new RecordAddress(0, 4, 1))),
        ["told-sold-out-at-door"] = ("I8 told 0: claims of summer refused as sold out at the door", w => w.Told.Add("door 999 summer sold-out")),
    };

    public static TheoryData<string> Names => [.. Kinds.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Audit_Corruption_IsFound(string kind)
    {
        var world = await AuditWorld.CreateAsync();
        var (expected, plant) = Kinds[kind];
        plant(world);
        await world.AuditAsync();
        Assert.Contains(world.Differences.First, d => d.ToString().Contains(expected, StringComparison.Ordinal));
        Assert.True(world.Differences.Count < 150, $"{world.Differences.Count} differences for one corruption");
    }

    [Fact]
    public async Task Audit_CleanData_HasNoDifference()
    {
        var world = await AuditWorld.CreateAsync();
        world.Settings = new AuditSettings(SettledWithin: TimeSpan.Zero);
        var report = await world.AuditAsync();
        Assert.Equal([], world.Differences.First);
        Assert.Empty(report.NotCompared);
        Assert.Equal((19, 19, 0, 0L, 0L), (report.Through.Offset, report.Events, report.Untold, report.Unapplied, report.Unwritten));
        Assert.Equal((20, 20), (report.Campaigns[0].Issued, report.Campaigns[0].Quantity));
        Assert.Equal(world.Claims.Count(c => c.Outcome == CouponOutcome.Issued), report.LedgerRows);
    }

    [Fact]
    public async Task Audit_EventsRepeated_HasNoDifference()
    {
        var world = await AuditWorld.CreateAsync();
        world.Events.InsertRange(9, world.Events[4..9]);
        world.Ledger.Cut = world.Ledger.Cut! with { Mark = world.Ledger.Cut.Mark with { EventOffset = world.Events.Count } };
        var report = await world.AuditAsync();
        Assert.Equal([], world.Differences.First);
        Assert.Equal(5, report.Repeats);
    }

    [Fact]
    public async Task Audit_SaleGoesOn_IsComparedAsFarAsEachIs()
    {
        var world = await AuditWorld.CreateAsync();
        await world.AddAsync(world.Claim(AuditWorld.Summer, "later"), world.Claim(AuditWorld.Summer, "latest"));
        world.Told.RemoveAt(world.Told.Count - 1);
        world.Events.RemoveAt(world.Events.Count - 1);
        var report = await world.AuditAsync();
        Assert.Equal([], world.Differences.First);
        Assert.Equal((1, 1L, 1L), (report.Untold, report.Unapplied, report.Unwritten));
    }

    [Fact]
    public async Task Audit_Settled_TellsWhatLags()
    {
        var world = await AuditWorld.CreateAsync();
        await world.AddAsync(world.Claim(AuditWorld.Summer, "later"));
        world.Events.RemoveAt(world.Events.Count - 1);
        world.Settings = new AuditSettings(SettledWithin: TimeSpan.Zero);
        await world.AuditAsync();
        Assert.Equal(3, world.Differences.Counts[Invariant.I9]);
    }

    [Fact]
    public void Kinds_AreMoreThanAsked() => Assert.True(Kinds.Count >= 25);

    /// <summary>Tells another outcome for the first command of a record that has one that fits.</summary>
    private static void Retell(AuditWorld world, long offset, Func<int, CouponOutcome, bool> which, CouponOutcome other)
    {
        var told = world.Events[(int)offset - 1];
        var outcomes = CouponOutcomes.Open(told.Outcomes.Span);
        var changed = new List<byte>(told.Outcomes[..(2 + outcomes.CampaignCount * (2 + CampaignState.Size))].ToArray());
        var done = false;
        for (var index = 0; outcomes.TryNext(out var outcome, out var sequence); index++)
        {
            var isIt = !done && which(index, outcome);
            done |= isIt;
            var now = isIt ? other : outcome;
            changed.Add((byte)now);
            if (!now.IsIssued())
                continue;
            var number = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, Math.Max(0, sequence));
            changed.AddRange(number);
        }

        Assert.True(done, "no command of the record has such an outcome");
        world.Events[(int)offset - 1] = told with { Outcomes = changed.ToArray() };
    }

    private static void Outcomes(AuditWorld world, int offset, Action<byte[]> change)
    {
        var bytes = world.Events[offset - 1].Outcomes.ToArray();
        change(bytes);
        world.Events[offset - 1] = world.Events[offset - 1] with { Outcomes = bytes };
    }

    private static void Campaign(AuditWorld world, int index, Func<StateCampaign, StateCampaign> change) =>
        world.State.Cut = world.State.Cut with { Campaigns = [.. world.State.Cut.Campaigns.Select((c, i) => i == index ? change(c) : c)] };

    private static byte[] With(ReadOnlyMemory<byte> bytes, int at, byte add)
    {
        var changed = bytes.ToArray();
        changed[at] += add;
        return changed;
    }

    private static void Rename(AuditWorld world, string field)
    {
        world.State.Users.Remove(world.State.Users.Keys.First(), out var coupons);
        world.State.Users.Add(field, coupons!);
    }

    private static void Coupon(AuditWorld world, int at) => world.State.Users[world.State.Users.Keys.First()] = With(world.State.Users.Values.First(), at, 1);

    private static void Row(AuditWorld world, Func<LedgerCoupon, LedgerCoupon> change) => world.Ledger.Coupons[5] = change(world.Ledger.Coupons[5]);

    private static void Count(AuditWorld world, CouponOutcome reason, long add) =>
        world.Ledger.Cut = world.Ledger.Cut! with { Refusals = [.. world.Ledger.Cut.Refusals.Select(r => r.Reason == reason ? r with { Count = r.Count + add } : r)] };

    private static void LedgerCampaign(AuditWorld world, Func<LedgerCampaign, LedgerCampaign> change) =>
        world.Ledger.Cut = world.Ledger.Cut! with { Campaigns = [.. world.Ledger.Cut.Campaigns.Select((c, i) => i == 0 ? change(c) : c)] };

    private static void Mark(AuditWorld world, Func<LedgerMark, LedgerMark> change) => world.Ledger.Cut = world.Ledger.Cut! with { Mark = change(world.Ledger.Cut.Mark) };

    private static void LastIssued(AuditWorld world, long offset) =>
        world.Ledger.Coupons.Add(world.Ledger.Coupons[^1] with { Address = new RecordAddress(0, offset, 9), Sequence = 999 });

    private static void Answer(AuditWorld world, CouponOutcome outcome, string answer)
    {
        var number = world.Claims.FindIndex(c => c.Outcome == outcome);
        var line = world.Told.FindIndex(l => !l.StartsWith("accepted", StringComparison.Ordinal) && l.Split(' ')[1] == $"{number}");
        world.Told[line] = string.Format(null, answer, number);
    }

    private static void Accept(AuditWorld world, RecordAddress address)
    {
        var ticket = new Ticket(new ClaimQuestion(world.Genesis.Log, 0, address.Offset, address.Index, "spring", "u", 1, 1), 1);
        world.Told.Add($"accepted 5000 {new TicketSigner([(0, new byte[16])]).Sign(ticket)}");
    }
}
