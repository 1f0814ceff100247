using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>The state store of the embedded profile and of tests: the model behind the same fence as the scripts. Lost when the process ends, then rebuilt from the log.</summary>
public class InMemoryStateStore<TModel>(IMachine machine) : IStateStore where TModel : class, IMachineModel
{
    private readonly Dictionary<int, PartitionState> _partitions = [];

    /// <summary>Guards the partitions' states; readers of a model hold it as well.</summary>
    protected Lock Gate { get; } = new();

    public Task<TakeOverResult> TakeOverAsync(int partition, LogId log, ulong nonce)
    {
        lock (Gate)
        {
            if (!_partitions.TryGetValue(partition, out var state))
                return Task.FromResult(TakeOverResult.Refused(FenceState.Missing));
            if (state.Log != log)
                return Task.FromResult(TakeOverResult.Refused(FenceState.OtherLog));
            if (state.IsTorn)
                return Task.FromResult(TakeOverResult.Refused(FenceState.Torn));
            state.Token = new OwnerToken(state.Token.Number + 1, nonce);
            return Task.FromResult(new TakeOverResult(
                FenceState.Held, state.Token, state.Applied, state.Commands, state.Told, new Dictionary<long, byte[]>(state.Recent)));
        }
    }

    public Task<FenceState> ResetAsync(int partition, GenesisRecord genesis, OwnerToken token)
    {
        lock (Gate)
        {
            if (_partitions.TryGetValue(partition, out var found) && found.Log != genesis.Log)
                return Task.FromResult(FenceState.OtherLog);
            if (found is { IsTorn: false })
                return Task.FromResult(FenceState.TakenOver);
            _partitions[partition] = new PartitionState(genesis.Log, (TModel)machine.NewModel())
            {
                Token = token,
                Applied = new RecordPosition(0, genesis.Id),
            };
            return Task.FromResult(FenceState.Held);
        }
    }

    public Task<ApplyResult> ApplyAsync(int partition, ApplyBatch batch)
    {
        lock (Gate)
        {
            if (!_partitions.TryGetValue(partition, out var state))
                return Task.FromResult(ApplyResult.Refused(FenceState.Missing));
            var found = state.Check(batch);
            return Task.FromResult(found == FenceState.Held ? new ApplyResult(found, state.Apply(batch)) : ApplyResult.Refused(found));
        }
    }

    /// <summary>The model of a partition and what has been applied to it, or null where it is missing or torn. To be used under <see cref="Gate"/>.</summary>
    protected (TModel Model, LogId Log, RecordPosition Applied, long Commands)? Find(int partition) =>
        _partitions.TryGetValue(partition, out var state) && !state.IsTorn ? (state.Model, state.Log, state.Applied, state.Commands) : null;

    private sealed class PartitionState(LogId log, TModel model)
    {
        public LogId Log { get; } = log;

        public TModel Model { get; } = model;

        public OwnerToken Token { get; set; }

        public RecordPosition Applied { get; set; }

        public long Commands { get; private set; }

        public long Told { get; private set; }

        public SortedDictionary<long, byte[]> Recent { get; } = [];

        /// <summary>An application of records broke in the middle: the model holds a part of it.</summary>
        public bool IsTorn { get; private set; }

        public FenceState Check(ApplyBatch batch)
        {
            if (batch.Log != Log)
                return FenceState.OtherLog;
            if (IsTorn)
                return FenceState.Torn;
            if (batch.Token != Token)
                return Token.Number > batch.Token.Number ? FenceState.TakenOver : FenceState.Behind;
            if (Applied.Offset != batch.Expected.Offset)
                return Applied.Offset > batch.Expected.Offset ? FenceState.Ahead : FenceState.Behind;
            return Applied.Record == batch.Expected.Record ? FenceState.Held : FenceState.OtherRecord;
        }

        public List<byte[]> Apply(ApplyBatch batch)
        {
            var outcomes = new List<byte[]>(batch.Records.Count);
            IsTorn = true;
            foreach (var record in batch.Records)
                outcomes.Add(Model.Apply(record.Offset, record.Info, record.Value.Span));

            for (var i = 0; i < outcomes.Count; i++)
                Recent[batch.Records[i].Offset] = outcomes[i];
            Commands += batch.Records.Sum(r => (long)r.Info.Commands);
            if (batch.Records.Count > 0)
                Applied = batch.Records[^1].Position;
            Told = Math.Max(Told, batch.Told);
            while (Recent.Count > 0 && Recent.First().Key <= Told)
                Recent.Remove(Recent.First().Key);
            IsTorn = false;
            return outcomes;
        }
    }
}
