using System.Text;
using FlashSale.Core.Audit;
using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Audit;

/// <summary>
/// A sale that has come to an end, with all that is said of it: log, events, state, ledger and what callers were told, made by the code
/// that makes them in a server. Everything may be changed before the audit.
/// </summary>
internal sealed class AuditWorld
{
    public const string Spring = "spring";
    public const string Summer = "summer";
    public const string Winter = "winter";

    private static readonly MachineTopics Topics = MachineTopics.Coupon;

    private readonly InMemoryCouponStore _store = new(CouponMachine.Instance);
    private OwnerToken _token = new(1, 7);
    private RecordPosition _applied;
    private long _commands;
    private ulong _claims;
    private int _told;

    private AuditWorld()
    {
    }

    public GenesisRecord Genesis { get; } = new(
        new RecordId(0xFEDC), new LogId(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff")), "coupon", 0, 1, MachineTopics.KeyHash, GenesisRecord.RulesCurrent);

    public List<byte[]> Commands { get; } = [];

    public List<EventRecord> Events { get; } = [];

    /// <summary>In place of an event, by its index.</summary>
    public Dictionary<int, byte[]> RawEvents { get; } = [];

    public FakeState State { get; } = new();

    public FakeLedgerSource Ledger { get; } = new();

    public List<string> Told { get; } = [ToldClaims.Heading];

    public Differences Differences { get; } = new();

    public AuditSettings Settings { get; set; } = new();

    /// <summary>By address: every claim, as it was decided.</summary>
    public List<(RecordAddress Address, CouponCommand Command, CouponOutcome Outcome, string? Code)> Claims { get; } = [];

    public static async Task<AuditWorld> CreateAsync()
    {
        var world = new AuditWorld();
        await world.BeginAsync();
        await world.AddAsync(Open(Spring, 20, 1), Open(Summer, 1_000, 2), CouponCommand.Close("nowhere", 1));
        for (var record = 0; record < 12; record++)
            await world.AddAsync([.. Enumerable.Range(0, 1 + record * 3).Select(i => world.Claim(i % 2 == 0 ? Spring : Summer, $"u{(record * 7 + i) % 40}"))]);
        await world.AddRawAsync([1, 2, 3]);
        await world.AddRawAsync((world.Genesis with { Id = new RecordId(5) }).Encode());
        await world.AddAsync(CouponCommand.Change(Summer, Settings2(900, 1), 3_000), Open(Winter, 5, 1, opensAt: 9_000));
        await world.AddAsync(world.Claim(Winter, "early"), world.Claim("unknown", "u1"), world.Claim(Summer, "u3"), CouponCommand.Close(Winter, 3_001));
        await world.AddAsync(world.Claim(Winter, "late", 9_500), world.Claim(Spring, "nobody"), world.Claim(Summer, "somebody"));
        var first = world.Claims.First(c => c.Outcome == CouponOutcome.Issued).Command;
        await world.AddAsync(first with { InstantMs = 2_001 });
        await world.SettleAsync();
        return world;
    }

    /// <summary>So many campaigns of which each record issues a few coupons.</summary>
    public static async Task<AuditWorld> CreateLargeAsync(int campaigns, int records, int claimsEach)
    {
        var world = new AuditWorld();
        await world.BeginAsync();
        var names = Enumerable.Range(0, campaigns).Select(c => $"c{c}").ToArray();
        await world.AddAsync([.. names.Select(n => Open(n, 100_000, 1))]);
        for (var record = 0; record < records; record++)
            await world.AddAsync([.. names.SelectMany(n => Enumerable.Range(0, claimsEach).Select(i => world.Claim(n, $"u{record}-{i}")))]);
        await world.SettleAsync();
        return world;
    }

    public CouponCommand Claim(string campaign, string user, long instant = 0)
    {
        _claims++;
        return CouponCommand.Claim(campaign, user, _claims, instant > 0 ? instant : 2_000 + (long)_claims);
    }

    /// <summary>Appends a record, decides, tells and writes it.</summary>
    public Task AddAsync(params CouponCommand[] commands)
    {
        var builder = new CouponRecordBuilder();
        foreach (var command in commands)
            Assert.True(builder.TryAdd(command, out _));
        return AddRawAsync(builder.Build(new RecordId(0xAB00 + (ulong)Commands.Count)), commands);
    }

    public async Task<PartitionReport> AuditAsync()
    {
        var log = new MemoryLog();
        log.Records(Topics.Commands).AddRange(Commands);
        log.Records(Topics.Events).AddRange(Events.Select((e, i) => RawEvents.TryGetValue(i, out var raw) ? raw : e.Encode()));
        var told = ToldClaims.Read(new StringReader(string.Join('\n', Told) + "\n"));
        using var audit = new PartitionAudit(0, Topics, log, new AuditSources(Events: true, State, Ledger, told), Settings, Differences, new AuditProgress());
        return await audit.RunAsync(CancellationToken.None);
    }

    private async Task BeginAsync()
    {
        Commands.Add(Genesis.Encode());
        _applied = new RecordPosition(0, Genesis.Id);
        await _store.ResetAsync(0, Genesis, _token);
    }

    private async Task AddRawAsync(byte[] bytes, params CouponCommand[] commands)
    {
        var offset = Commands.Count;
        Commands.Add(bytes);
        var info = CouponRecord.Inspect(bytes);
        var batch = new ApplyBatch(Genesis.Log, _token, _applied, Math.Max(0, _applied.Offset - 3), [new CommandToApply(offset, info, bytes)]);
        var outcomes = (await _store.ApplyAsync(0, batch)).Outcomes[0];
        _applied = new RecordPosition(offset, info.Id);
        _commands += info.Commands;
        Events.Add(new EventRecord(new RecordId((ulong)offset), Genesis.Log, _applied, _commands, 5_000, info.State == CommandRecordState.Readable ? bytes.ToArray() : default, outcomes));
        Note(offset, commands, outcomes);
    }

    private void Note(int offset, CouponCommand[] commands, byte[] bytes)
    {
        var outcomes = CouponOutcomes.Open(bytes);
        for (var index = 0; index < commands.Length; index++)
        {
            Assert.True(outcomes.TryNext(out var outcome, out var sequence));
            var (command, address) = (commands[index], new RecordAddress(0, offset, index));
            if (command.Kind != CouponCommandKind.Claim)
                continue;
            var code = outcome.IsIssued() ? CodeOf(command.CampaignId, sequence) : null;
            Claims.Add((address, command, outcome, code));
            Tell(address, command, code is null ? $"refused {{0}} {outcome.Name()}" : $"issued {{0}} {code}");
        }
    }

    private void Tell(RecordAddress address, CouponCommand claim, string answer)
    {
        var ticket = new Ticket(new ClaimQuestion(Genesis.Log, 0, address.Offset, address.Index, claim.CampaignId, claim.UserId!, claim.ClaimId, claim.InstantMs), 1);
        Told.Add($"accepted {_told} {new TicketSigner([(0, new byte[16])]).Sign(ticket)}");
        Told.Add(string.Format(null, answer, _told));
        _told++;
    }

    private string CodeOf(string campaign, int sequence)
    {
        var state = _store.ModelOf(0)!.Find(campaign)!.State;
        using var codes = new CouponCode(state.Seed);
        return codes.Encode(0, state.Number, sequence);
    }

    /// <summary>State and ledger as of the end.</summary>
    private async Task SettleAsync()
    {
        var model = _store.ModelOf(0)!;
        var taken = await _store.TakeOverAsync(0, Genesis.Log, 9);
        _token = taken.Token;
        State.Cut = new StateCut(FenceState.Held, taken.Applied, taken.Commands, taken.Told, [.. model.Campaigns.Select(StateOf)], taken.Recent);
        foreach (var campaign in model.Campaigns)
        {
            for (var walk = campaign.Holdings.Walk(); walk.MoveNext();)
            {
                byte[] coupons = [];
                foreach (var coupon in walk.Coupons)
                    coupons = [.. coupons, .. coupon];
                State.Users[FakeState.FieldOf(campaign.State.Number, Encoding.ASCII.GetString(walk.User))] = coupons;
            }
        }

        using var codes = new CampaignCodes(0);
        var builder = new LedgerBatchBuilder(0, everyRefusal: false, codes);
        foreach (var told in Events)
            builder.Add(told);
        var mark = new LedgerMark(Genesis.Log, _applied, Events.Count);
        var batch = builder.Take(new LedgerMark(Genesis.Log, default, 0), mark);
        Ledger.Cut = new LedgerCut(mark, [.. batch.RefusalCounts], [.. batch.Campaigns.Select(c => c with { State = c.State with { Seed = default } })]);
        Ledger.Coupons.AddRange(batch.Coupons);
    }

    private static StateCampaign StateOf(CampaignModel campaign)
    {
        var state = new byte[CampaignState.Size];
        campaign.State.Write(state);
        return new StateCampaign(campaign.CampaignId, state, campaign.Description, campaign.PackChanges());
    }

    private static CouponCommand Open(string campaign, int quantity, int perUser, long opensAt = 0) =>
        CouponCommand.Open(campaign, Settings2(quantity, perUser, opensAt), new CampaignSeed(42), 1_000);

    private static CampaignSettings Settings2(int quantity, int perUser, long opensAt = 0) => new(quantity, perUser, opensAt, 0, "{}"u8.ToArray());
}

/// <summary>A state that is whatever a test makes of it.</summary>
internal sealed class FakeState : IStateSource
{
    // As the scan found them when it began: sorting them anew for each page would take a minute.
    private string[] _scanned = [];

    public StateCut Cut { get; set; } = StateCut.Refused(FenceState.Missing);

    /// <summary>Coupons by field, in hex digits.</summary>
    public Dictionary<string, byte[]> Users { get; } = [];

    public static string FieldOf(int number, string user) => $"{number:X4}{Convert.ToHexString(Encoding.ASCII.GetBytes(user))}";

    public Task<StateCut> ReadCutAsync(int partition, LogId log) => Task.FromResult(Cut);

    public Task<IReadOnlyList<StateUser>> ReadUsersAsync(int partition, LogId log, IReadOnlyList<byte[]> fields) =>
        Task.FromResult<IReadOnlyList<StateUser>>([.. fields.Select(f => new StateUser(f, Users.GetValueOrDefault(Convert.ToHexString(f))))]);

    public Task<(long Cursor, IReadOnlyList<StateUser> Users)> ScanUsersAsync(int partition, LogId log, long cursor)
    {
        if (cursor == 0)
            _scanned = [.. Users.Keys.Order(StringComparer.Ordinal)];
        var users = _scanned.Skip((int)cursor).Take(10).Select(k => new StateUser(Convert.FromHexString(k), Users[k])).ToList();
        return Task.FromResult<(long, IReadOnlyList<StateUser>)>((cursor + users.Count < Users.Count ? cursor + users.Count : 0, users));
    }
}

/// <summary>A ledger that is whatever a test makes of it.</summary>
internal sealed class FakeLedgerSource : ILedgerSource
{
    public LedgerCut? Cut { get; set; }

    public List<LedgerCoupon> Coupons { get; } = [];

    /// <summary>Rows that each page was to have at most, and those that it had.</summary>
    public List<(int RowsMax, int Rows)> Pages { get; } = [];

    public Task<LedgerCut?> ReadCutAsync(int partition, CancellationToken cancel) => Task.FromResult(Cut);

    public Task<IReadOnlyList<LedgerCoupon>> ReadCouponsAsync(string campaignId, int afterSequence, int rowsMax, CancellationToken cancel)
    {
        List<LedgerCoupon> page = [.. Coupons.Where(c => c.CampaignId == campaignId && c.Sequence > afterSequence).OrderBy(c => c.Sequence).Take(rowsMax)];
        Pages.Add((rowsMax, page.Count));
        return Task.FromResult<IReadOnlyList<LedgerCoupon>>(page);
    }

    public Task<(IReadOnlyList<LedgerLast> Last, LedgerMark? Mark)> ReadEndAsync(int partition, CancellationToken cancel) =>
        Task.FromResult<(IReadOnlyList<LedgerLast>, LedgerMark?)>((
            [.. Coupons.GroupBy(c => c.CampaignId).Select(g => g.MaxBy(c => c.Sequence)!).Where(c => c.Address.Partition == partition).Select(c => new LedgerLast(c.CampaignId, c.Address.Offset))], Cut?.Mark));
}
