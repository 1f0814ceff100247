using FlashSale.Core.Ledger;

namespace FlashSale.Core.Tests.Ledger;

/// <summary>A ledger in memory with the same fence as the databases.</summary>
internal sealed class FakeLedger : ILedger
{
    public LedgerMark? Mark { get; set; }

    public List<LedgerBatch> Batches { get; } = [];

    public int Migrations { get; private set; }

    public int MarkReads { get; private set; }

    /// <summary>No call is answered.</summary>
    public bool IsAway { get; set; }

    /// <summary>The next write is committed, but its answer is lost.</summary>
    public bool LosesAnswer { get; set; }

    /// <summary>The next write is given up, as after a deadlock.</summary>
    public bool GivesUp { get; set; }

    /// <summary>Runs before the next write: what somebody else does meanwhile.</summary>
    public Action? Before { get; set; }

    public IEnumerable<LedgerCoupon> Coupons => Batches.SelectMany(b => b.Coupons);

    public Task MigrateAsync(CancellationToken cancel)
    {
        ThrowIfAway();
        Migrations++;
        return Task.CompletedTask;
    }

    public Task<LedgerMark?> ReadMarkAsync(int partition, CancellationToken cancel)
    {
        ThrowIfAway();
        MarkReads++;
        return Task.FromResult(Mark);
    }

    public Task<bool> WriteAsync(LedgerBatch batch, CancellationToken cancel)
    {
        ThrowIfAway();
        var before = Before;
        Before = null;
        before?.Invoke();
        if (GivesUp)
        {
            GivesUp = false;
            throw new LedgerUnavailableException("deadlock");
        }

        if ((Mark?.Written ?? default) != batch.Before.Written)
            return Task.FromResult(false);
        Mark = batch.After;
        Batches.Add(batch);
        if (LosesAnswer)
        {
            LosesAnswer = false;
            throw new LedgerUnavailableException("connection lost");
        }

        return Task.FromResult(true);
    }

    private void ThrowIfAway()
    {
        if (IsAway)
            throw new LedgerUnavailableException("nobody listens");
    }
}
