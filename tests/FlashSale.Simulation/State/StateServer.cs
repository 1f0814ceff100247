using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Simulation.State;

/// <summary>
/// One partition's state as its server holds it, with a replica behind it. The server keeps the calls that had an effect, in
/// order: an earlier state is what the first of them come to.
/// </summary>
internal sealed class StateServer(World world, int partition)
{
    private readonly List<Func<InMemoryCouponStore, InMemoryCouponStore>> _effects = [];
    private InMemoryCouponStore _primary = Empty();
    private InMemoryCouponStore _replica = Empty();
    private InMemoryCouponStore? _foreign;
    private int _replicated;

    public bool IsForeign => _foreign is not null;

    /// <summary>What doors read, where they read the replica.</summary>
    public InMemoryCouponStore Replica => _foreign ?? _replica;

    public InMemoryCouponStore Current => _foreign ?? _primary;

    public TakeOverResult TakeOver(LogId log, ulong nonce)
    {
        var result = Current.TakeOverAsync(partition, log, nonce).Result;
        if (result.State == FenceState.Held)
            Keep(s => { _ = s.TakeOverAsync(partition, log, nonce); return s; });
        return result;
    }

    public FenceState Reset(GenesisRecord genesis, OwnerToken token)
    {
        var result = Current.ResetAsync(partition, genesis, token).Result;
        if (result == FenceState.Held)
            Keep(s => { _ = s.ResetAsync(partition, genesis, token); return s; });
        Changed();
        return result;
    }

    public ApplyResult Apply(ApplyBatch batch)
    {
        var result = Current.ApplyAsync(partition, batch).Result;
        if (result.State == FenceState.Held)
            Keep(s => { _ = s.ApplyAsync(partition, batch); return s; });
        Changed();
        return result;
    }

    /// <summary>Applies a batch, and breaks before its last record is applied.</summary>
    public ApplyResult Break(ApplyBatch batch)
    {
        var broken = batch with { Records = new BreakingList(batch.Records, world.Random.Below(batch.Records.Count)) };
        try
        {
            return Current.ApplyAsync(partition, broken).Result;
        }
        catch (ScriptBrokenException)
        {
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
            });
            throw new StoreUnavailableException("the script broke");
        }
    }

    public void Flush()
    {
        _primary = Empty();
        _effects.Add(static _ => Empty());
    }

    /// <summary>The replica becomes the primary: what it had not got is lost.</summary>
    public void Promote()
    {
        world.Trace("chaos", $"state {partition} loses its last {_effects.Count - _replicated} effects");
        _primary = _replica;
        _effects.RemoveRange(_replicated, _effects.Count - _replicated);
        _replica = Empty();
        foreach (var effect in _effects)
            _replica = effect(_replica);
        Changed();
    }

    /// <summary>The state of another installation stands in the place of this one's.</summary>
    public void Replace(InMemoryCouponStore foreign) => _foreign = foreign;

    public void PutBack() => _foreign = null;

    private static InMemoryCouponStore Empty() => new(CouponMachine.Instance);

    private void Changed()
    {
        if (_foreign is null)
            world.Oracle.StateChanged(partition, _primary);
    }

    private void Keep(Func<InMemoryCouponStore, InMemoryCouponStore> effect)
    {
        if (_foreign is not null)
            throw new ViolationException("I7", $"the state of another log was changed (partition {partition})");
        _effects.Add(effect);
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
