using System.Data.Common;
using System.Net.Sockets;
using FlashSale.Core.Ledger;

namespace FlashSale.MySql;

/// <summary>What the ledgers in databases have in common. Calls run on a few threads of their own and are bounded in time; nothing is retried here.</summary>
public abstract class DatabaseLedger : ILedger, IDisposable
{
    private readonly DatabaseThreads _threads;
    private readonly LedgerWriter _writer;
    private volatile bool _isMigrated;

    private protected DatabaseLedger(LedgerDialect dialect, int threads, string name)
    {
        Dialect = dialect;
        _writer = new LedgerWriter(dialect);
        _threads = new DatabaseThreads(threads, name);
    }

    internal LedgerDialect Dialect { get; }

    public async Task MigrateAsync(CancellationToken cancel)
    {
        if (!_isMigrated)
            await RunAsync(c => { Migrate(c); return _isMigrated = true; }, cancel);
    }

    public Task<LedgerMark?> ReadMarkAsync(int partition, CancellationToken cancel) =>
        RunAsync(c => LedgerWriter.ReadMark(c, partition), cancel);

    public Task<bool> WriteAsync(LedgerBatch batch, CancellationToken cancel) =>
        RunAsync(c => _writer.Write(c, batch), cancel);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    internal Task<T> RunAsync<T>(Func<DbConnection, T> call, CancellationToken cancel) =>
        _threads.RunAsync(() => Call(call), cancel);

    /// <summary>An open connection, disposed by the caller.</summary>
    private protected abstract DbConnection Open();

    private protected abstract void Migrate(DbConnection connection);

    /// <summary>What went wrong, in words for whoever operates it.</summary>
    private protected abstract string Describe(Exception error);

    /// <summary>A call failed on this connection (null: it could not be opened), so that connections kept may be of no use.</summary>
    private protected abstract void Distrust(DbConnection? connection);

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            _threads.Dispose();
    }

    private T Call<T>(Func<DbConnection, T> call)
    {
        DbConnection? connection = null;
        try
        {
            connection = Open();
            return call(connection);
        }
        catch (Exception e)
        {
            Distrust(connection);
            if (!IsOfDriver(e))
                throw;
            // The tables may be gone with a database that was set up anew.
            _isMigrated = false;
            throw new LedgerUnavailableException(Describe(e), e);
        }
        finally
        {
            connection?.Dispose();
        }
    }

    /// <summary>The drivers throw more than their own exceptions when a connection breaks in the middle of something.</summary>
    private static bool IsOfDriver(Exception error) => error
        is DbException or IOException or SocketException or TimeoutException or InvalidOperationException
        or KeyNotFoundException or InvalidCastException or NullReferenceException or NotSupportedException
        or System.Security.Authentication.AuthenticationException;
}
