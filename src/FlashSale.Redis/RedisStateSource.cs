using System.Buffers.Binary;
using FlashSale.Core.Audit;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using StackExchange.Redis;

namespace FlashSale.Redis;

/// <summary>The coupon machine's state in Redis, as an audit reads it: in pieces that keep nobody else waiting.</summary>
public sealed class RedisStateSource(RedisConnection connection) : IStateSource
{
    private const int CampaignsAt = 6;

    private readonly RedisKeys _keys = new(connection.Options.KeyPrefix, MachineTopics.Coupon.Machine);

    public async Task<StateCut> ReadCutAsync(int partition, LogId log)
    {
        var answer = await AskAsync(RedisScript.AuditCut, partition, log);
        if (State(answer) != FenceState.Held)
            return StateCut.Refused(State(answer));
        var campaigns = new StateCampaign[(int)answer[CampaignsAt - 1]];
        var at = CampaignsAt;
        for (var i = 0; i < campaigns.Length; i++, at += 4)
            campaigns[i] = new StateCampaign((string)answer[at]!, Bytes(answer[at + 1]), Bytes(answer[at + 2]), Bytes(answer[at + 3]));
        var recent = new Dictionary<long, byte[]>();
        for (; at < answer.Length; at += 2)
            recent.Add((long)answer[at], Bytes(answer[at + 1]));
        var applied = new RecordPosition((long)answer[1], new RecordId(BinaryPrimitives.ReadUInt64BigEndian(Bytes(answer[2]))));
        return new StateCut(FenceState.Held, applied, (long)answer[3], (long)answer[4], campaigns, recent);
    }

    public async Task<IReadOnlyList<StateUser>> ReadUsersAsync(int partition, LogId log, IReadOnlyList<byte[]> fields)
    {
        var answer = Whole(partition, await AskAsync(RedisScript.AuditUsers, partition, log, [.. fields.Select(f => (RedisValue)f)]));
        return [.. fields.Select((field, i) => new StateUser(field, (byte[]?)answer[i + 1]))];
    }

    public async Task<(long Cursor, IReadOnlyList<StateUser> Users)> ScanUsersAsync(int partition, LogId log, long cursor)
    {
        // A cursor is an unsigned number of 64 bits.
        var answer = Whole(partition, await AskAsync(RedisScript.AuditScan, partition, log, unchecked((ulong)cursor).ToString(System.Globalization.CultureInfo.InvariantCulture)));
        var users = new List<StateUser>();
        for (var i = 2; i < answer.Length; i += 2)
            users.Add(new StateUser(Bytes(answer[i]), Bytes(answer[i + 1])));
        return (unchecked((long)ulong.Parse((string)answer[1]!, System.Globalization.CultureInfo.InvariantCulture)), users);
    }

    private async Task<RedisResult[]> AskAsync(RedisScript script, int partition, LogId log, params RedisValue[] arguments)
    {
        var id = new byte[LogId.Size];
        log.Write(id);
        return (RedisResult[])(await connection.RunAsync(script, _keys.Of(partition), [id, .. arguments]))!;
    }

    private static RedisResult[] Whole(int partition, RedisResult[] answer) => State(answer) == FenceState.Held
        ? answer
        : throw new StoreUnavailableException($"the state of partition {partition} was lost or replaced during the audit ({State(answer)})");

    private static FenceState State(RedisResult[] answer) => (FenceState)(int)answer[0];

    private static byte[] Bytes(RedisResult value) => (byte[]?)value ?? [];
}
