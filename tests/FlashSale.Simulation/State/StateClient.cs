using FlashSale.Core.Coupons;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Simulation.Chaos;
using FlashSale.Simulation.Nodes;

namespace FlashSale.Simulation.State;

/// <summary>
/// A process's connection to the state store. Calls of one connection take effect in their order, or fail; what was on its way
/// when a connection broke may take effect at any time later.
/// </summary>
internal sealed class StateClient(World world, Node node) : IStateStore, ICouponReader
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(1);

    private Connection _connection = new();

    public async Task<TakeOverResult> TakeOverAsync(int partition, LogId log, ulong nonce)
    {
        var (told, result) = await CallAsync($"take over {partition}", () => (ToldInSight(partition), world.States[partition].TakeOver(log, nonce)),
            static r => $"{r.Item2.State} token {r.Item2.Token.Number} applied {r.Item2.Applied.Offset} told {r.Item2.Told}");
        if (result.State == FenceState.Held)
            node.ToldBefore[partition] = told;
        return result;
    }

    public async Task<FenceState> ResetAsync(int partition, GenesisRecord genesis, OwnerToken token)
    {
        var (told, result) = await CallAsync($"reset {partition}", () => (ToldInSight(partition), world.States[partition].Reset(genesis, token)), static r => r.Item2.ToString());
        if (result == FenceState.Held)
            node.ToldBefore[partition] = told;
        return result;
    }

    public Task<ApplyResult> ApplyAsync(int partition, ApplyBatch batch) =>
        CallAsync(batch.Records.Count == 0 ? $"look at {partition}" : $"apply {partition}:{batch.Expected.Offset + 1}..{batch.Expected.Offset + batch.Records.Count}", () => batch.Records.Count > 0 && world.Faults.Strikes(FaultKind.ScriptTorn)
            ? world.States[partition].Break(batch)
            : world.States[partition].Apply(batch), static r => r.State.ToString());

    public Task<PartitionSnapshot?> ReadPartitionAsync(int partition, LogId log) =>
        CallAsync($"read partition {partition}", () => Readable(partition).ReadPartitionAsync(partition, log).Result, static r => r is null ? "missing" : $"applied {r.Applied.Offset}");

    public Task<ClaimAnswer> ReadClaimAsync(ClaimQuestion claim) =>
        CallAsync($"read claim {claim.Partition}:{claim.Offset}:{claim.Index}", () => Readable(claim.Partition).ReadClaimAsync(claim).Result, static r => r.Outcome.ToString());

    public Task<IReadOnlyList<UserCoupons>?> ReadUserAsync(int partition, LogId log, string userId, long appliedMin) =>
        CallAsync($"read user {userId} in {partition}", () => Readable(partition).ReadUserAsync(partition, log, userId, appliedMin).Result, static r => r is null ? "unknown" : "read");

    /// <summary>The process has died, or the connection broke: of what is on its way a part still takes effect.</summary>
    public void Abandon()
    {
        _connection.Left = world.Random.Below(_connection.Calls.Count + 1);
        foreach (var call in _connection.Calls)
            call.Fail();
        _connection = new Connection();
    }

    /// <summary>How far outcomes are told, as far as whoever looks at the last events can see it: repeats of a zombie may stand behind.</summary>
    private long ToldInSight(int partition) =>
        world.Log.Events(partition).End - world.Oracle.ToldAt(partition) <= world.Options.Engine.UntoldRecordsMax ? world.Oracle.Told(partition) : 0;

    private InMemoryCouponStore Readable(int partition) =>
        world.Faults.Strikes(FaultKind.StaleRead) ? world.States[partition].Replica : world.States[partition].Current;

    private Task<T> CallAsync<T>(string what, Func<T> effect, Func<T, string> describe)
    {
        if (node.IsDead || node.CrashesAt(FaultKind.CrashBefore, what))
            return Node.Never<T>();
        if (world.Faults.Strikes(FaultKind.ConnectionBroken))
        {
            world.Trace(node.Name, "the connection to the state breaks");
            Abandon();
        }

        var call = new Call<T>(what, effect, describe);
        var connection = _connection;
        connection.Calls.Enqueue(call);
        if (!connection.IsSending)
        {
            connection.IsSending = true;
            world.Domain.Start(() => SendAsync(connection));
        }

        world.Domain.Start(() => TimeOutAsync(call));
        return AwaitAsync(call.Answer.Task);
    }

    private static async Task<T> AwaitAsync<T>(Task<T> answer) => await answer;

    private async Task TimeOutAsync(Call call)
    {
        await world.Domain.DelayAsync(AnswerTimeout);
        call.Fail();
    }

    private async Task SendAsync(Connection connection)
    {
        while (connection.Calls.TryPeek(out var call))
        {
            await world.Domain.DelayAsync(world.Faults.Latency());
            connection.Calls.Dequeue();
            if (connection.Left == 0)
                continue;
            if (connection.Left != int.MaxValue)
                connection.Left--;
            if (world.Faults.Strikes(FaultKind.CallLost))
            {
                world.Trace(node.Name, $"{call.What}: lost");
                call.Fail();
                continue;
            }

            call.Run(text => world.Trace(node.Name, $"{call.What}: {text}"));
            if (node.CrashesAt(FaultKind.CrashAfter, call.What))
                continue;
            if (world.Faults.Strikes(FaultKind.AnswerLost))
                call.Fail();
            else
                world.Domain.Start(() => AnswerAsync(call));
        }

        connection.IsSending = false;
    }

    private async Task AnswerAsync(Call call)
    {
        await world.Domain.DelayAsync(world.Faults.Latency());
        call.Complete();
    }

    private sealed class Connection
    {
        public Queue<Call> Calls { get; } = [];

        public bool IsSending { get; set; }

        /// <summary>How many more calls will take effect.</summary>
        public int Left { get; set; } = int.MaxValue;
    }

    private abstract class Call(string what)
    {
        public string What => what;

        public abstract void Run(Action<string> trace);

        public abstract void Complete();

        public abstract void Fail();
    }

    private sealed class Call<T>(string what, Func<T> effect, Func<T, string> describe) : Call(what)
    {
        private T? _result;
        private StoreUnavailableException? _fault;

        public TaskCompletionSource<T> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override void Run(Action<string> trace)
        {
            try
            {
                _result = effect();
                trace(describe(_result));
            }
            catch (StoreUnavailableException e)
            {
                _fault = e;
                trace(e.Message);
            }
        }

        public override void Complete()
        {
            if (_fault is not null)
                Fail();
            else
                Answer.TrySetResult(_result!);
        }

        public override void Fail()
        {
            if (Answer.TrySetException(_fault ?? new StoreUnavailableException("no answer in time")))
                _ = Answer.Task.Exception;
        }
    }
}
