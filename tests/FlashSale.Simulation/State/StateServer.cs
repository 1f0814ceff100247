using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Simulation.Chaos;
using FlashSale.Simulation.Oracle;

namespace FlashSale.Simulation.State;

/// <summary>
/// One partition's state as its server holds it, with a replica behind it. The server keeps the calls that had an effect, in
/// order: an earlier state is what the first of them come to.
/// </summary>
internal sealed class StateServer(World world, int partition)
{
    private readonly List<Func<InMemoryCouponStore, InMemoryCouponStore>> _effects = [];
    private readonly List<FenceView> _views = [FenceView.None];
    private InMemoryCouponStore _primary = Empty();
    private InMemoryCouponStore _replica = Empty();
    private InMemoryCouponStore? _foreign;
    private LogId _foreignLog;
    private int _replicated;

    public bool IsForeign => _foreign is not null;

    /// <summary>What doors read, where they read the replica.</summary>
    public InMemoryCouponStore Replica => _foreign ?? _replica;

    public InMemoryCouponStore Current => _foreign ?? _primary;

    /// <summary>The last record that this log's state has applied; 0 where there is no state.</summary>
    public long Applied => _views[^1].Applied.Offset;

    private FenceView View => _foreign is null ? _views[^1] : new FenceView(_foreignLog, default, default, IsTorn: false);

    public TakeOverResult TakeOver(LogId log, ulong nonce)
    {
        var view = View;
        var result = Current.TakeOverAsync(partition, log, nonce).Result;
        if (result.State == FenceState.Held)
            Keep(s => { _ = s.TakeOverAsync(partition, log, nonce); return s; }, view with { Token = result.Token });
        FenceTable.Expect(FenceTable.OfTakeOver(view, log), result.State, partition, "a takeover");
        if (result.State != FenceState.Held)
            return result;
        CheckOwned(view, result, nonce);
        return world.Faults.Strikes(FaultKind.OutcomesNotKept) ? result with { Recent = new Dictionary<long, byte[]>() } : result;
    }

    public FenceState Reset(GenesisRecord genesis, OwnerToken token)
    {
        var view = View;
        var result = Current.ResetAsync(partition, genesis, token).Result;
        if (result == FenceState.Held)
            Keep(s => { _ = s.ResetAsync(partition, genesis, token); return s; }, new FenceView(genesis.Log, token, new RecordPosition(0, genesis.Id), IsTorn: false));
        FenceTable.Expect(FenceTable.OfReset(view, genesis.Log), result, partition, "a reset");
        Changed();
        return result;
    }

    public ApplyResult Apply(ApplyBatch batch)
    {
        var view = View;
        var result = Current.ApplyAsync(partition, batch).Result;
        if (result.State == FenceState.Held)
            Keep(s => { _ = s.ApplyAsync(partition, batch); return s; }, view with { Applied = batch.Records.Count == 0 ? view.Applied : batch.Records[^1].Position });
        FenceTable.Expect(FenceTable.OfApply(view, batch), result.State, partition, $"the batch behind {batch.Expected.Offset}");
        Changed();
        return result;
    }

    /// <summary>Applies a batch, and breaks before its last record is applied.</summary>
    public ApplyResult Break(ApplyBatch batch)
    {
        var view = View;
        var broken = batch with { Records = new BreakingList(batch.Records, world.Random.Below(batch.Records.Count)) };
        try
        {
            var result = Current.ApplyAsync(partition, broken).Result;
            FenceTable.Expect(FenceTable.OfApply(view, batch), result.State, partition, $"the batch behind {batch.Expected.Offset}");
            return result;
        }
        catch (ScriptBrokenException)
        {
            FenceTable.Expect(FenceTable.OfApply(view, batch), FenceState.Held, partition, $"the batch behind {batch.Expected.Offset}");
            Keep(s =>
            {
                try
                {
                    _ = s.ApplyAsync(partition, broken);
                }
                catch (ScriptBrokenException)
                {
                    // So it did the first time.
                }

                return s;
            }, view with { IsTorn = true });
            throw new StoreUnavailableException("the script broke");
        }
    }

    /// <summary>A batch without records that differs from what the state expects in one thing, as if another log, owner or history had sent it.</summary>
    public void CallAstray()
    {
        var view = View;
        var expected = view.Applied;
        var other = world.Random.Next();
        var fitting = new ApplyBatch(view.Log ?? world.LogId, view.Token, expected, 0, []);
        var batch = world.Random.Below(6) switch
        {
            0 => fitting with { Log = world.NewLogId() },
            1 => fitting with { Token = view.Token with { Number = view.Token.Number - 1 } },
            2 => fitting with { Token = view.Token with { Number = view.Token.Number + 1 } },
            3 => fitting with { Token = view.Token with { Nonce = other } },
            4 => fitting with { Expected = expected with { Offset = expected.Offset + (world.Random.Chance(0.5) ? 1 : -1) } },
            _ => fitting with { Expected = expected with { Record = new RecordId(other) } },
        };
        // What stands in another log's place has an owner that nobody here knows.
        if (_foreign is null)
            FenceTable.Expect(FenceTable.OfApply(view, batch), Current.ApplyAsync(partition, batch).Result.State, partition, "a stray call");
    }

    public void Flush()
    {
        _primary = Empty();
        _effects.Add(static _ => Empty());
        _views.Add(FenceView.None);
    }

    /// <summary>The replica becomes the primary: what it had not got is lost.</summary>
    public void Promote()
    {
        world.Trace("chaos", $"state {partition} loses its last {_effects.Count - _replicated} effects");
        _primary = _replica;
        _effects.RemoveRange(_replicated, _effects.Count - _replicated);
        _views.RemoveRange(_replicated + 1, _views.Count - _replicated - 1);
        _replica = Empty();
        foreach (var effect in _effects)
            _replica = effect(_replica);
        Changed();
    }

    /// <summary>The state of another installation stands in the place of this one's.</summary>
    public void Replace(InMemoryCouponStore foreign, LogId log) => (_foreign, _foreignLog) = (foreign, log);

    public void PutBack() => _foreign = null;

    private static InMemoryCouponStore Empty() => new(CouponMachine.Instance);

    private void Changed()
    {
        if (_foreign is null)
            world.Oracle.StateChanged(partition, _primary);
    }

    private void CheckOwned(FenceView before, TakeOverResult result, ulong nonce)
    {
        if (result.Token != new OwnerToken(before.Token.Number + 1, nonce))
            throw new ViolationException("I7", $"the state of {partition} gives token {result.Token} after {before.Token}: two owners could work in turns");
        var options = world.Options.Engine;
        // One that decides a record at a time has a batch under way only while it catches up.
        var batches = world.IsSequentialOnly ? 1 : options.BatchesInFlightMax + 2;
        var keptMax = options.UntoldRecordsMax + batches * options.BatchRecordsMax;
        if (result.Recent.Count > keptMax)
            throw new ViolationException("I7", $"the state of {partition} keeps the outcomes of {result.Recent.Count} records, {keptMax} at most can be untold");
    }

    private void Keep(Func<InMemoryCouponStore, InMemoryCouponStore> effect, FenceView view)
    {
        if (_foreign is not null)
            throw new ViolationException("I7", $"the state of another log was changed (partition {partition})");
        _effects.Add(effect);
        _views.Add(view);
        // The replica follows at times, and never quite.
        if (!world.Random.Chance(0.3))
            return;
        for (var to = world.Random.Between(_replicated, _effects.Count); _replicated < to; _replicated++)
            _replica = _effects[_replicated](_replica);
    }

    /// <summary>Records that can be read up to one of them: what a script has written until it broke.</summary>
    private sealed class BreakingList(IReadOnlyList<CommandToApply> records, int readable) : IReadOnlyList<CommandToApply>
    {
        public int Count => records.Count;

        public CommandToApply this[int index] => index < readable ? records[index] : throw new ScriptBrokenException();

        public IEnumerator<CommandToApply> GetEnumerator()
        {
            for (var i = 0; i < Count; i++)
                yield return this[i];
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private sealed class ScriptBrokenException : Exception;
}
