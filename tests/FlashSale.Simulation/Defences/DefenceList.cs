namespace FlashSale.Simulation.Defences;

/// <summary>The defences, in the order in which docs/exactness.md lists them.</summary>
internal static class DefenceList
{
    private const string Store = "Engine/InMemoryStateStore.cs";
    private const string Engine = "Engine/MachinePartition.cs";
    private const string TakeOver = "Engine/TakeOver.cs";
    private const string Reader = "Engine/CommandReader.cs";
    private const string Follower = "Door/CouponFollower.cs";
    private const string Door = "Door/CouponDoor.cs";
    private const string Model = "Coupons/CouponModel.cs";
    private const string Ticket = "Coupons/Ticket.cs";
    private const string Ledger = "Ledger/LedgerPartition.cs";

    private const string FenceOfPositions = "if (Applied.Offset != batch.Expected.Offset)\n                return Applied.Offset > batch.Expected.Offset ? FenceState.Ahead : FenceState.Behind;\n            return Applied.Record == batch.Expected.Record ? FenceState.Held : FenceState.OtherRecord;";

    public static readonly IReadOnlyList<Defence> All =
    [
        // The fence.
        new("fence: taken over (token number)", Store, "if (batch.Token != Token)", "if (batch.Token.Number == Token.Number && batch.Token != Token)", Spare: "the offset and the record id of the fence: both owners decide the same. It ends a zombie at its first batch instead of letting two owners work in turns"),
        new("fence: token nonce", Store, "if (batch.Token != Token)", "if (batch.Token.Number != Token.Number)", Spare: "the offset and the record id of the fence: both owners decide the same. It ends a zombie at its first batch instead of letting two owners work in turns"),
        new("fence: a new owner counts up", Store, "new OwnerToken(state.Token.Number + 1, nonce)", "new OwnerToken(state.Token.Number, state.Token.Nonce)", Spare: "the offset and the record id of the fence: both owners decide the same. It ends a zombie at its first batch instead of letting two owners work in turns"),
        new("fence: token and ahead", Store, "if (batch.Token != Token)", "if (batch.Log != Log)", With: new("ahead", Store, FenceOfPositions, "return Applied.Offset < batch.Expected.Offset ? FenceState.Behind : FenceState.Held;")),
        new("fence: behind (offset and record)", Store, FenceOfPositions, "return Applied.Offset > batch.Expected.Offset ? FenceState.Ahead : FenceState.Held;"),
        new("fence: record id at the offset", Store, "return Applied.Record == batch.Expected.Record ? FenceState.Held : FenceState.OtherRecord;", "return FenceState.Held;", Spare: "what was applied and what was answered are compared at a takeover"),
        new("fence: token, offset and record", Store, "if (batch.Token != Token)\n                return Token.Number > batch.Token.Number ? FenceState.TakenOver : FenceState.Behind;\n            " + FenceOfPositions, "return FenceState.Held;"),
        new("fence: missing is rebuilt", Store, "if (!_partitions.TryGetValue(partition, out var state))\n                return Task.FromResult(ApplyResult.Refused(FenceState.Missing));",
            "if (!_partitions.TryGetValue(partition, out var state))\n                _partitions[partition] = state = new PartitionState(batch.Log, (TModel)machine.NewModel()) { Token = batch.Token, Applied = batch.Expected };"),
        new("fence: torn, at a batch", Store, "            if (IsTorn)\n                return FenceState.Torn;\n", "", Spare: "behind a torn batch every other one of its owner is behind; the takeover sees the mark. In Redis it is one check for all scripts"),
        new("fence: torn, at a takeover", Store, "            if (state.IsTorn)\n                return Task.FromResult(TakeOverResult.Refused(FenceState.Torn));\n", ""),
        new("torn marker", Store, "            IsTorn = true;\n", ""),
        new("fence: torn state is not read", Store, "&& !state.IsTorn ?", "?"),
        new("fence: other log, at a batch", Store, "            if (batch.Log != Log)\n                return FenceState.OtherLog;\n", "", Spare: "its token is not ours. In Redis it is one check for all scripts"),
        new("fence: other log, at a takeover", Store, "            if (state.Log != log)\n                return Task.FromResult(TakeOverResult.Refused(FenceState.OtherLog));\n", ""),
        new("fence: other log, at a reset", Store, "if (_partitions.TryGetValue(partition, out var found) && found.Log != genesis.Log)\n                return Task.FromResult(FenceState.OtherLog);", "_partitions.TryGetValue(partition, out var found);", Spare: "the takeover before it has seen the same"),
        new("reset leaves a whole state", Store, "            if (found is { IsTorn: false })\n                return Task.FromResult(FenceState.TakenOver);\n", "", Spare: "what it would delete is rebuilt from the log; it saves that"),
        new("recent outcomes, and the model in their place", Store, "while (Recent.Count > 0 && Recent.First().Key <= Told)", "while (Recent.Count > 0)", With: new("model", TakeOver, "if (between.Exists(r => !found.Recent.ContainsKey(r.Offset)))", "if (between.RemoveAll(r => !found.Recent.ContainsKey(r.Offset)) < 0)")),
        new("told is passed on", Store, "Told = Math.Max(Told, batch.Told);", "", Spare: "too low only tells some outcomes again; it bounds what is kept"),

        // The engine.
        new("a refused batch stops the partition", Engine, "                throw new FencedException(result.State);\n            var commandsBefore", "                continue;\n            var commandsBefore"),
        new("a failed append stops the partition", Engine, "            await appending.WaitAsync(abandon);\n", "            await Task.WhenAny(appending).WaitAsync(abandon);\n"),
        new("gapless producer for a whole ownership", Engine, "var appending = appender.AppendAsync(", "var appending = appenders().AppendAsync("),
        new("told only after acknowledgement", Engine, "            await appending.WaitAsync(abandon);\n            Update(p => p with { Told = offset });", "            Update(p => p with { Told = offset });\n            await appending.WaitAsync(abandon);"),
        new("told again: what was told is not", Engine, "                if (records[i].Offset <= owned.Told)\n                    continue;\n", "", Spare: "repeats change nothing; it saves telling a whole log again"),
        new("recent outcomes are told by the next owner", Engine, "        await TellRecentAsync(owned, appender, stop);\n", ""),
        new("idle partitions look at their state", Engine, "next.IsCompleted || await Task.WhenAny(next, idle) == next", "await next is not null"),
        new("dead letters", Engine, "if (command.Info.State != CommandRecordState.Undecodable)", "if (command.Info.State != CommandRecordState.NewerVersion)"),

        // Taking over.
        new("takeover: A above E", TakeOver, "between.RemoveAll(r => r.Offset <= answered.Offset);", "between.Clear();"),
        new("takeover: A below E", TakeOver, "Math.Max(answered.Offset, found.Applied.Offset),\n", "found.Applied.Offset,\n"),
        new("takeover: outcomes not kept come from the model", TakeOver, "if (between.Exists(r => !found.Recent.ContainsKey(r.Offset)))", "if (between.RemoveAll(r => !found.Recent.ContainsKey(r.Offset)) < 0)", Spare: "the state keeps them; this is for a state that does not"),
        new("takeover: E from the events", "Log/EventTail.cs", "answered.Offset >= highest.Offset", "answered.Offset < 0"),
        new("takeover: E from told, where events are repeated", TakeOver, "return answered.Offset >= told ? answered : new RecordPosition(told, default);", "return answered;", Spare: "E from the events is enough; too low only tells some outcomes again"),
        new("takeover: a log that ends early is refused", TakeOver, "if (bounds.End <= known)", "if (bounds.End < 0)", Spare: "reading beyond the end fails as well; this says why"),
        new("takeover: a log without its start is refused", TakeOver, "if (bounds.Start > 0)", "if (bounds.Start < 0)", Spare: "a rebuild cannot read it either; this says why"),
        new("takeover: record id of what was answered", TakeOver, "        if (answered.Offset > found.Applied.Offset)\n            await CheckAnsweredAsync(answered, stop);\n", ""),
        new("takeover: record id of what was applied", TakeOver, "            records.Expect(found.Applied);\n", "", Spare: "what was answered is compared, and the fence compares what was applied"),

        // Reading commands.
        new("record id", Reader, "if (_expected[i].Record != info.Id)", "if (_expected[i].Offset < 0)"),
        new("no offset is skipped", Reader, "if (record.Offset != before + 1)", "if (record.Offset < 0)", Spare: "a reader of the simulated log skips none; it is for topics that are compacted or written in transactions"),
        new("a newer version stops", "Coupons/CouponRecord.cs", "if (header.Version > RecordHeader.CurrentVersion)\n            return new CommandRecordInfo", "if (header.Version > 250)\n            return new CommandRecordInfo"),
        new("undecodable whole or not at all", "Coupons/CouponRecord.cs", "if (!TryRead(ref reader, out var command) || command.Campaign >= campaigns || !IsWithinBounds(command))\n                reader.Fail();", "if (!TryRead(ref reader, out var command) || command.Campaign >= campaigns || !IsWithinBounds(command))\n                return new CommandRecordInfo(CommandRecordState.Readable, header.Id, count);"),

        // The rules.
        new("quantity check", Model, "if (state.IsSoldOut)", "if (state.Issued > state.Quantity)"),
        new("per-user check", Model, "if (held >= state.PerUser)", "if (held > state.PerUser)"),
        new("quantity not below issued", Model, "if (command.Quantity < state.Issued)", "if (command.Quantity < 0)"),
        new("sold out only when sold out", "Coupons/CampaignState.cs", "public bool IsSoldOut => Issued >= Quantity;", "public bool IsSoldOut => Issued + 1 >= Quantity;"),
        new("a repeated claim is the same win", Model, "            if (ClaimEntry.ClaimIdOf(coupon) == command.ClaimId)\n                return (CouponOutcome.IssuedBefore, ClaimEntry.Read(coupon).Sequence);\n", "            _ = coupon;\n"),
        new("settings in force at the address", "Coupons/CampaignModel.cs", "_changes.Last(c => c.IsBefore(offset, index))", "_changes.Last(c => c.Offset >= 0 || c.IsBefore(offset, index))"),
        new("a win after the address is not this one", Model, "if (entry.ClaimId == claim.ClaimId && entry.IsAtOrBefore(claim.Offset, claim.Index))", "if (entry.ClaimId == claim.ClaimId)"),
        new("codes held at the address", Model, "[.. entries.Where(e => e.IsAtOrBefore(claim.Offset, claim.Index))]", "[.. entries.Where(e => e.Offset >= 0 || e.IsAtOrBefore(claim.Offset, claim.Index))]"),
        new("waiting while not applied", "Coupons/InMemoryCouponStore.cs", "found.Applied.Offset < claim.Offset ?", "found.Applied.Offset < 0 ?"),

        // The door.
        new("202 after acknowledgement only", Door, "if (appended.State != AppendState.Appended)\n            return ClaimTaken", "if (appended.State == AppendState.LogUnavailable)\n            appended = appended with { State = AppendState.Appended, Offset = follower.Mark + 1, Index = 0 };\n        if (appended.State != AppendState.Appended)\n            return ClaimTaken"),
        new("door: mark of events", Follower, "                if (told.Answers.Offset <= Mark)\n                    continue;\n", ""),
        new("door: gap of events", Follower, "if (told.Answers.Offset > Mark + 1)", "if (told.Answers.Offset < 0)", Spare: "a door begins at the last events; it is for more repeats at the end than it looks at"),
        new("door: state behind the events is not taken", Follower, "snapshot.Applied.Offset < Math.Max(Mark, answered.Offset)", "snapshot.Applied.Offset < Mark"),
        new("door: state behind its own mark is not taken", Follower, "snapshot.Applied.Offset < Math.Max(Mark, answered.Offset)", "snapshot.Applied.Offset < answered.Offset", Spare: "a door reads the state again only after an event that it cannot read; then the last events are compared"),
        new("door: an event that cannot be taken makes it read the state", Follower, "if (NotReady is not null || fault is LogRefusedException)", "if (NotReady is not null)", Spare: "a process of an older version stands still, which it may"),
        new("door: a decision is its claim's only", "Door/DecidedRecord.cs", "return index < Count && Campaigns", "return index < Count || Campaigns"),
        new("door: only a sure no is refused", Door, "if (await ReadAsync(before) is { Outcome: not CouponOutcome.None } answer)", "if (await ReadAsync(before) is { } answer)"),
        new("door: a winner's repeat is his win", Door, "return idempotencyKey is null ? new(ClaimTaken.Refused(Refusal(refusal))) : ClaimAgainAsync(follower, command, refusal);", "return new(ClaimTaken.Refused(Refusal(refusal)));"),
        new("ticket signature", Ticket, "if (!CryptographicOperations.FixedTimeEquals(mac[..MacSize], bytes.Slice(length - MacSize, MacSize)))", "if (mac.Length < 0)"),
        new("ticket: log id", Door, "if (claim.Partition >= partitions.Count || partitions[claim.Partition].Log != claim.Log)", "if (claim.Partition >= partitions.Count)"),

        // The ledger.
        new("ledger: mark of events", Ledger, "if (told.Answers.Offset <= mark.Written.Offset)", "if (told.Answers.Offset < 0)"),
        new("ledger: a lost race is written by the other", Ledger, "if (!await ledger.WriteAsync(batch, cancel))", "if (!await ledger.WriteAsync(batch, cancel) && cancel.IsCancellationRequested)"),
        new("ledger: what was gathered is forgotten after a failure", Ledger, "        builder.Clear();\n        TimeSpan pause;", "        TimeSpan pause;", Spare: "nothing is gathered longer than one read takes, and that is written or refused as a whole"),
        new("ledger: log id", Ledger, "if (mark.Log != log)", "if (mark.EventOffset < 0)", Spare: "the simulation has no database of another log; LedgerPartitionTests has"),
    ];
}
