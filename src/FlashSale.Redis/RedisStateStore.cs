using System.Buffers.Binary;
using System.Runtime.InteropServices;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using StackExchange.Redis;

namespace FlashSale.Redis;

/// <summary>The state of a machine's partitions in Redis. The scripts decide; this only translates.</summary>
public abstract class RedisStateStore : IStateStore
{
    private const int ApplyArguments = 6;

    private static readonly RedisValue Undecodable = "U";
    private static readonly RedisValue Empty = "";

    private readonly RedisScript _apply;

    private protected RedisStateStore(RedisConnection connection, string machine, RedisScript apply)
    {
        Connection = connection;
        Keys = new RedisKeys(connection.Options.KeyPrefix, machine);
        _apply = apply;
    }

    internal RedisKeys Keys { get; }

    private protected RedisConnection Connection { get; }

    public async Task<TakeOverResult> TakeOverAsync(int partition, LogId log, ulong nonce)
    {
        var answer = Parts(await Connection.RunAsync(RedisScript.TakeOver, Keys.Of(partition), [Bytes(log), Bytes(nonce)]));
        if (State(answer) != FenceState.Held)
            return TakeOverResult.Refused(State(answer));
        var recent = new Dictionary<long, byte[]>();
        for (var i = 6; i < answer.Length; i += 2)
            recent.Add((long)answer[i], (byte[])answer[i + 1]!);
        return new TakeOverResult(FenceState.Held, new OwnerToken((long)answer[1], nonce), Position(answer[2], answer[3]),
            (long)answer[4], (long)answer[5], recent);
    }

    public async Task<FenceState> ResetAsync(int partition, GenesisRecord genesis, OwnerToken token) =>
        (FenceState)(int)await Connection.RunAsync(RedisScript.Reset, Keys.Of(partition),
            [Bytes(genesis.Log), Bytes(genesis.Id.Value), token.Number, Bytes(token.Nonce)]);

    public async Task<ApplyResult> ApplyAsync(int partition, ApplyBatch batch)
    {
        var answer = Parts(await Connection.RunOnceAsync(_apply, Keys.Of(partition), Arguments(batch)));
        if (State(answer) != FenceState.Held)
            return ApplyResult.Refused(State(answer));
        var outcomes = new byte[answer.Length - 1][];
        for (var i = 0; i < outcomes.Length; i++)
            outcomes[i] = (byte[])answer[i + 1]!;
        return new ApplyResult(FenceState.Held, outcomes);
    }

    private protected static RedisResult[] Parts(RedisResult answer) => (RedisResult[])answer!;

    private protected static FenceState State(RedisResult[] answer) => (FenceState)(int)answer[0];

    private protected static RecordPosition Position(RedisResult offset, RedisResult record) =>
        new((long)offset, new RecordId(BinaryPrimitives.ReadUInt64BigEndian((byte[])record!)));

    private protected static byte[] Bytes(LogId log)
    {
        var bytes = new byte[LogId.Size];
        log.Write(bytes);
        return bytes;
    }

    private protected static byte[] Bytes(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    internal static RedisValue[] Arguments(ApplyBatch batch)
    {
        var arguments = new RedisValue[ApplyArguments + 2 * batch.Records.Count];
        arguments[0] = Bytes(batch.Log);
        arguments[1] = batch.Token.Number;
        arguments[2] = Bytes(batch.Token.Nonce);
        arguments[3] = batch.Expected.Offset;
        arguments[4] = Bytes(batch.Expected.Record.Value);
        arguments[5] = batch.Told;
        for (var i = 0; i < batch.Records.Count; i++)
        {
            var record = batch.Records[i];
            if (record.Offset != batch.Expected.Offset + 1 + i)
                throw new ArgumentException("the records of a batch must follow the one expected without a gap", nameof(batch));
            arguments[ApplyArguments + 2 * i] = Bytes(record.Info.Id.Value);
            arguments[ApplyArguments + 2 * i + 1] = record.Info.State switch
            {
                CommandRecordState.Readable => AsArray(record.Value),
                CommandRecordState.Undecodable => Undecodable,
                CommandRecordState.Empty => Empty,
                _ => throw new ArgumentException("a record of a newer version must not be decided", nameof(batch)),
            };
        }

        return arguments;
    }

    private static byte[] AsArray(ReadOnlyMemory<byte> value) =>
        MemoryMarshal.TryGetArray(value, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
            ? segment.Array
            : value.ToArray();
}
