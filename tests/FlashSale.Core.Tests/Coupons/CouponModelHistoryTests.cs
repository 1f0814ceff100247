using FlashSale.Core.Coupons;
using static FlashSale.Core.Tests.Coupons.CouponTestData;

namespace FlashSale.Core.Tests.Coupons;

/// <summary>What must hold after every history. Each case is a seed; a failure names it.</summary>
public sealed class CouponModelHistoryTests
{
    private const int HistoriesPerCase = 40;
    private const int RecordsPerHistory = 40;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 10)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Apply_AnyHistory_NeverIssuesTooMuch(int seed) => ForEachHistory(seed, history =>
    {
        var model = new CouponModel();
        var campaigns = new Dictionary<string, Expected>();
        foreach (var (offset, commands) in history)
        {
            var outcomes = Apply(model, offset, commands);
            Assert.Equal(commands.Count, outcomes.Count);
            foreach (var (command, (outcome, sequence)) in commands.Zip(outcomes))
                Check(campaigns, command, outcome, sequence);
            foreach (var campaign in model.Campaigns)
            {
                var expected = campaigns[campaign.CampaignId];
                Assert.Equal((expected.Settings.Quantity, expected.Issued), (campaign.State.Quantity, campaign.State.Issued));
                Assert.True(campaign.State.Issued <= campaign.State.Quantity);
            }
        }
    });

    /// <summary>How commands fall into records is chance, the order of service is not.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Apply_SameCommandsInOtherRecords_DecidesTheSame(int seed) => ForEachHistory(seed, history =>
    {
        var commands = history.SelectMany(h => h.Commands).ToList();
        var (one, whole) = (new CouponModel(), new CouponModel());
        var single = commands.SelectMany((c, i) => Apply(one, i + 1, [c])).ToList();
        Assert.Equal(single, Apply(whole, 1, commands));
        Assert.Equal(Shape(one), Shape(whole));
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Apply_ReplayFromAnyCut_GivesTheSameBytes(int seed) => ForEachHistory(seed, history =>
    {
        var records = history.Select(h => (h.Offset, Bytes: Record((ulong)h.Offset, h.Commands))).ToList();
        var model = new CouponModel();
        var first = records.Select(r => model.Apply(r.Offset, CouponRecord.Inspect(r.Bytes), r.Bytes)).ToList();
        for (var cut = 0; cut <= records.Count; cut += 7)
        {
            // Up to the cut by one process, which ends there; the next one replays that and goes on.
            var replayed = new CouponModel();
            foreach (var (offset, bytes) in records.Take(cut))
                replayed.Apply(offset, CouponRecord.Inspect(bytes), bytes);
            Assert.Equal(first.Skip(cut), records.Skip(cut).Select(r => replayed.Apply(r.Offset, CouponRecord.Inspect(r.Bytes), r.Bytes)));
            Assert.Equal(Shape(model), Shape(replayed));
        }
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Read_EveryPastAddress_TellsForEverWhatWasDecided(int seed) => ForEachHistory(seed, history =>
    {
        var model = new CouponModel();
        var told = new List<(ClaimQuestion Claim, CouponOutcome Outcome, int Sequence, List<int> Held)>();
        foreach (var (offset, commands) in history)
        {
            var outcomes = Apply(model, offset, commands);
            for (var index = 0; index < commands.Count; index++)
            {
                if (commands[index] is { Kind: CouponCommandKind.Claim } claim)
                    told.Add((
                        new ClaimQuestion(TestLog, 0, offset, index, claim.CampaignId, claim.UserId!, claim.ClaimId, claim.InstantMs),
                        outcomes[index].Outcome, outcomes[index].Sequence, []));
            }

            foreach (var (claim, outcome, sequence, held) in told)
            {
                var answer = model.Read(claim);
                Assert.Equal(outcome.IsIssued() ? CouponOutcome.Issued : outcome, answer.Outcome);
                if (outcome.IsIssued())
                    Assert.Equal((sequence, claim.ClaimId), (Assert.Single(answer.Entries).Sequence, answer.Entries[0].ClaimId));
                if (outcome != CouponOutcome.AlreadyClaimed)
                    continue;

                // What the user holds only grows.
                var holds = answer.Entries.Select(e => e.Sequence).ToList();
                Assert.NotEmpty(holds);
                Assert.Equal(held, holds.Take(held.Count));
                held.AddRange(holds.Skip(held.Count));
            }
        }
    });

    /// <summary>The rules a second time, command by command and without any of the model's bookkeeping.</summary>
    private static void Check(Dictionary<string, Expected> campaigns, CouponCommand command, CouponOutcome outcome, int sequence)
    {
        if (!campaigns.TryGetValue(command.CampaignId, out var campaign))
        {
            Assert.Equal(command.Kind == CouponCommandKind.Open ? CouponOutcome.CampaignOpened : CouponOutcome.CampaignUnknown, outcome);
            if (command.Kind == CouponCommandKind.Open)
                campaigns.Add(command.CampaignId, new Expected { Settings = command.Settings! });
            return;
        }

        Assert.Equal(campaign.Decide(command, out var expectedSequence), outcome);
        Assert.Equal(expectedSequence, sequence);
        Assert.True(campaign.Issued <= campaign.Settings.Quantity);
    }

    private static List<(CouponOutcome Outcome, int Sequence)> Apply(CouponModel model, long offset, IReadOnlyList<CouponCommand> commands)
    {
        var record = Record((ulong)offset, commands);
        return Read(model.Apply(offset, CouponRecord.Inspect(record), record));
    }

    private static List<(string, CampaignState, string)> Shape(CouponModel model) =>
        [.. model.Campaigns.Select(c => (c.CampaignId, c.State, Convert.ToHexString(c.Description.Span)))];

    private static void ForEachHistory(int seed, Action<List<(long Offset, List<CouponCommand> Commands)>> check)
    {
        for (var n = 0; n < HistoriesPerCase; n++)
        {
            var history = History(new Random(seed * 1_000 + n));
            try
            {
                check(history);
            }
            catch (Exception fault)
            {
                Assert.Fail($"seed {seed}, history {n}: {fault}");
            }
        }
    }

    private static List<(long Offset, List<CouponCommand> Commands)> History(Random random)
    {
        var history = new List<(long, List<CouponCommand>)>();
        var offset = 0L;
        for (var n = 0; n < RecordsPerHistory; n++)
        {
            // Offsets need not be dense: a log has gaps where transactions end.
            offset += random.Next(1, 3);
            history.Add((offset, [.. Enumerable.Range(0, random.Next(1, 7)).Select(_ => Command(random))]));
        }

        return history;
    }

    private static CouponCommand Command(Random random)
    {
        var campaign = $"c{random.Next(3)}";
        var at = random.Next(100);
        return random.Next(20) switch
        {
            0 or 1 => CouponCommand.Open(campaign, AnySettings(random), new CampaignSeed((UInt128)random.Next(1, 100)), at),
            2 => CouponCommand.Change(campaign, AnySettings(random), at),
            3 => Close(campaign, at),
            _ => Claim(campaign, $"u{random.Next(5)}", (ulong)random.Next(4), at),
        };
    }

    private static CampaignSettings AnySettings(Random random) => Settings(
        random.Next(1, 9), random.Next(1, 4), random.Next(3) == 0 ? random.Next(40) : 0, random.Next(3) == 0 ? random.Next(60, 110) : 0, random.Next(2) == 0 ? "{}" : "{\"name\":1}");

    private sealed class Expected
    {
        private readonly List<(string User, ulong ClaimId)> _coupons = [];
        private bool _isClosed;

        public required CampaignSettings Settings { get; set; }

        public int Issued => _coupons.Count;

        public CouponOutcome Decide(CouponCommand command, out int sequence)
        {
            sequence = -1;
            switch (command.Kind)
            {
                case CouponCommandKind.Close when _isClosed:
                    return CouponOutcome.Unchanged;
                case CouponCommandKind.Close:
                    _isClosed = true;
                    return CouponOutcome.CampaignClosed;
                case CouponCommandKind.Claim:
                    return Claim(command, out sequence);
                default:
                    if (command.Settings == Settings)
                        return CouponOutcome.Unchanged;
                    if (command.Settings!.Quantity < Issued)
                        return CouponOutcome.QuantityBelowIssued;
                    (Settings, _isClosed) = (command.Settings, false);
                    return CouponOutcome.CampaignChanged;
            }
        }

        private CouponOutcome Claim(CouponCommand command, out int sequence)
        {
            sequence = _coupons.IndexOf((command.UserId!, command.ClaimId));
            if (sequence >= 0)
                return CouponOutcome.IssuedBefore;
            if (command.InstantMs < Settings.OpensAtMs)
                return CouponOutcome.NotOpen;
            if (_isClosed || (Settings.ClosesAtMs > 0 && command.InstantMs >= Settings.ClosesAtMs))
                return CouponOutcome.Closed;
            if (_coupons.Count(c => c.User == command.UserId) >= Settings.PerUser)
                return CouponOutcome.AlreadyClaimed;
            if (Issued >= Settings.Quantity)
                return CouponOutcome.SoldOut;
            sequence = Issued;
            _coupons.Add((command.UserId!, command.ClaimId));
            return CouponOutcome.Issued;
        }
    }
}
