namespace FlashSale.Simulation.Defences;

/// <summary>The defences, in the order in which docs/exactness.md lists them.</summary>
internal static class DefenceList
{
    private const string Store = "Engine/InMemoryStateStore.cs";
    private const string Engine = "Engine/MachinePartition.cs";
    private const string Sequential = "Engine/SequentialPartition.cs";
    private const string Outputs = "Engine/OutputRecords.cs";
    private const string TakeOver = "Engine/TakeOver.cs";
    private const string End = "Engine/LogEnd.cs";
    private const string Queue = "Engine/CommandQueue.cs";
    private const string Follower = "Door/CouponFollower.cs";
    private const string Door = "Door/CouponDoor.cs";
    private const string Model = "Coupons/CouponModel.cs";
    private const string Ticket = "Coupons/Ticket.cs";
    private const string Ledger = "Ledger/LedgerPartition.cs";
    private const string Loopback = "Log/LoopbackReader.cs";

    private const string FenceOfPositions = "if (Applied.Offset != batch.Expected.Offset)\n                return Applied.Offset > batch.Expected.Offset ? FenceState.Ahead : FenceState.Behind;\n            return Applied.Record == batch.Expected.Record ? FenceState.Held : FenceState.OtherRecord;";

    public static readonly IReadOnlyList<Defence> All =
    [
        // The fence.
        new("fence: taken over (token number)", Store, "if (batch.Token != Token)", "if (batch.Token.Number == Token.Number && batch.Token != Token)"),
        new("fence: token nonce", Store, "if (batch.Token != Token)", "if (batch.Token.Number != Token.Number)"),
        new("fence: a new owner counts up", Store, "new OwnerToken(state.Token.Number + 1, nonce)", "new OwnerToken(state.Token.Number, state.Token.Nonce)"),
        new("fence: token and ahead", Store, "if (batch.Token != Token)", "if (batch.Log != Log)", With: new("ahead", Store, FenceOfPositions, "return Applied.Offset < batch.Expected.Offset ? FenceState.Behind : FenceState.Held;")),
        new("fence: behind (offset and record)", Store, FenceOfPositions, "return Applied.Offset > batch.Expected.Offset ? FenceState.Ahead : FenceState.Held;"),
        new("fence: record id at the offset", Store, "return Applied.Record == batch.Expected.Record ? FenceState.Held : FenceState.OtherRecord;", "return FenceState.Held;"),
        new("fence: token, offset and record", Store, "if (batch.Token != Token)\n                return Token.Number > batch.Token.Number ? FenceState.TakenOver : FenceState.Behind;\n            " + FenceOfPositions, "return FenceState.Held;"),
        new("fence: missing is rebuilt", Store, "if (!_partitions.TryGetValue(partition, out var state))\n                return Task.FromResult(ApplyResult.Refused(FenceState.Missing));",
            "if (!_partitions.TryGetValue(partition, out var state))\n                _partitions[partition] = state = new PartitionState(batch.Log, (TModel)machine.NewModel()) { Token = batch.Token, Applied = batch.Expected };"),
        new("fence: torn, at a batch", Store, "            if (IsTorn)\n                return FenceState.Torn;\n", ""),
        new("fence: torn, at a takeover", Store, "            if (state.IsTorn)\n                return Task.FromResult(TakeOverResult.Refused(FenceState.Torn));\n", ""),
        new("torn marker", Store, "            IsTorn = true;\n", ""),
        new("fence: torn state is not read", Store, "&& !state.IsTorn ?", "?"),
        new("fence: other log, at a batch", Store, "            if (batch.Log != Log)\n                return FenceState.OtherLog;\n", ""),
        new("fence: other log, at a takeover", Store, "            if (state.Log != log)\n                return Task.FromResult(TakeOverResult.Refused(FenceState.OtherLog));\n", ""),
        new("fence: other log, at a reset", Store, "if (_partitions.TryGetValue(partition, out var found) && found.Log != genesis.Log)\n                return Task.FromResult(FenceState.OtherLog);", "_partitions.TryGetValue(partition, out var found);"),
        new("reset leaves a whole state", Store, "            if (found is { IsTorn: false })\n                return Task.FromResult(FenceState.TakenOver);\n", ""),
        new("recent outcomes, and the model in their place", Store, "while (Recent.Count > 0 && Recent.First().Key <= Told)", "while (Recent.Count > 0)", With: new("model", TakeOver, "if (between.Exists(r => !found.Recent.ContainsKey(r.Offset)))", "if (between.RemoveAll(r => !found.Recent.ContainsKey(r.Offset)) < 0)")),
        new("told is passed on", Store, "Told = Math.Max(Told, batch.Told);", ""),

        // The engine.
        new("a refused batch stops the partition", Engine, "                throw new FencedException(result.State);\n            var commandsBefore", "                continue;\n            var commandsBefore"),
        new("a failed append stops the partition", Engine, "            await appending.WaitAsync(abandon);\n", "            await Task.WhenAny(appending).WaitAsync(abandon);\n"),
        new("gapless producer for a whole ownership", Engine, "var appending = appender.AppendAsync(", "var appending = appenders().AppendAsync("),
        new("told only after acknowledgement", Engine, "            await appending.WaitAsync(abandon);\n            _progress.Update(p => p with { Told = offset });", "            _progress.Update(p => p with { Told = offset });\n            await appending.WaitAsync(abandon);"),
        new("told again: what was told is not", Engine, "                if (records[i].Offset <= owned.Told)\n                    continue;\n", ""),
        new("recent outcomes are told by the next owner", Engine, "        await TellRecentAsync(owned, appender, stop);\n", ""),
        new("idle partitions look at their state", Engine, "next.IsCompleted || await Task.WhenAny(next, idle) == next", "await next is not null"),
        new("dead letters", Outputs, "if (command.Info.State != CommandRecordState.Undecodable)", "if (command.Info.State != CommandRecordState.NewerVersion)"),

        // The same, where a loop that is not ours hands the records over.
        new("handed over: a refused batch stops the partition", Sequential, "        if (result.State != FenceState.Held)\n            throw new FencedException(result.State);\n", "        if (result.State != FenceState.Held)\n            return;\n"),
        new("handed over: what was told is not told again", Sequential, "if (records[i].Offset > _tellAfter)", "if (records[i].Offset >= 0)"),
        new("handed over: recent outcomes are told by the next owner", Sequential, "        foreach (var untold in owned.Untold)\n            await TellAsync(untold.Command, untold.Commands, untold.Outcomes, events);\n", ""),
        new("handed over: so many untold and no more", Sequential, "private bool IsFull => _applied.Offset - Progress.Told >= options.UntoldRecordsMax;", "private bool IsFull => options.UntoldRecordsMax < 0;"),
        new("handed over: idle partitions look at their state", Sequential, "                await ApplyAsync([], []);\n", "                _metAt = time.GetTimestamp();\n"),
        new("handed over: idle partitions look for what was skipped", End, "if (time.GetElapsedTime(_quietSince) < _quietMax)", "if (_quietMax >= TimeSpan.Zero)"),
        new("handed over: record id where reading begins again", Sequential, "        reader.Expect(_applied);\n", ""),
        new("handed over: record id of what a record follows", Sequential, "var follows = _handed == _applied;", "var follows = _handed?.Offset == _applied.Offset;"),

        // Taking over.
        new("takeover: A above E", TakeOver, "between.RemoveAll(r => r.Offset <= answered.Offset);", "between.Clear();"),
        new("takeover: A below E", TakeOver, "Math.Max(answered.Offset, found.Applied.Offset),\n", "found.Applied.Offset,\n"),
        new("takeover: outcomes not kept come from the model", TakeOver, "if (between.Exists(r => !found.Recent.ContainsKey(r.Offset)))", "if (between.RemoveAll(r => !found.Recent.ContainsKey(r.Offset)) < 0)"),
        new("takeover: E from the events", "Log/EventTail.cs", "answered.Offset >= highest.Offset", "answered.Offset < 0"),
        new("takeover: record id of what was answered", TakeOver, "        if (answered.Offset > found.Applied.Offset)\n            await CheckAnsweredAsync(answered, stop);\n", ""),
        new("takeover: record id of what was applied", TakeOver, "            records.Expect(found.Applied);\n", ""),

        // Reading commands.
        new("record id", Queue, "if (_expected[i].Record != info.Id)", "if (_expected[i].Offset < 0)"),
        new("no offset is skipped", Queue, "if (record.Offset != before + 1)", "if (record.Offset < 0)"),
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
        new("door: mark of events", Follower, "                    if (told.Answers.Offset <= Mark)\n                        continue;\n", ""),
        new("door: gap of events", Follower, "if (told.Answers.Offset > Mark + 1)", "if (told.Answers.Offset < 0)"),
        new("door: what is on its way follows what is known", Follower, "told.Log == logId && told.Answers.Offset == Mark + 1", "told.Log == logId && told.Answers.Offset > Mark"),
        new("door: a state that is behind is not taken", Follower, "snapshot is null || snapshot.Applied.Offset < Math.Max(Mark, answered.Offset)", "snapshot is null"),
        new("door: an event that cannot be taken makes it read the state", Follower, "if (NotReady is not null || fault is LogRefusedException)", "if (NotReady is not null)"),
        new("door: a decision is its claim's only", "Door/DecidedRecord.cs", "return index < Count && Campaigns[_campaignOf[index]] == claim.CampaignId && _claims[index] == ClaimHash(user, claim.ClaimId, claim.InstantMs);", "return index < Count;"),
        new("door: only a sure no is refused", Door, "if (await ReadAsync(before) is { Outcome: not CouponOutcome.None } answer)", "if (await ReadAsync(before) is { } answer)"),
        new("door: a winner's repeat is his win", Door, "return idempotencyKey is null ? new(ClaimTaken.Refused(Refusal(refusal))) : new(ClaimAgainAsync(follower, command, refusal));", "return new(ClaimTaken.Refused(Refusal(refusal)));"),
        new("ticket signature", Ticket, "if (!CryptographicOperations.FixedTimeEquals(mac[..MacSize], bytes.Slice(length - MacSize, MacSize)))", "if (mac.Length < 0)"),
        new("ticket: log id", Door, "if (claim.Partition >= partitions.Count || partitions[claim.Partition].Log != claim.Log)", "if (claim.Partition >= partitions.Count)"),

        // The ledger.
        new("ledger: mark of events", Ledger, "if (told.Answers.Offset <= mark.Written.Offset)", "if (told.Answers.Offset < 0)"),
        new("ledger: a lost race is written by the other", Ledger, "if (!await ledger.WriteAsync(batch, cancel))", "if (!await ledger.WriteAsync(batch, cancel) && cancel.IsCancellationRequested)"),
        new("ledger: log id", Ledger, "if (mark.Log != log)", "if (mark.EventOffset < 0)"),

        // What a process hands to its own readers.
        new("loopback: after a quiet time the log is read", Loopback, "TrySetResult(false), news, quietMax,", "TrySetResult(false), news, Timeout.InfiniteTimeSpan,"),
    ];
}
