using FlashSale.Core.Coupons;
using FlashSale.Core.Door;
using FlashSale.Core.Engine;
using FlashSale.Core.Ledger;
using FlashSale.Core.Log;
using FlashSale.Server.Live;
using FlashSale.Server.Operations;

namespace FlashSale.Server.Hosting;

/// <summary>Turns what engine, followers and ledger report into log lines, metrics and live updates. Each failure is counted every time and logged once until it changes.</summary>
public sealed class Observers(ILogger<Observers> logger, Telemetry telemetry, LiveHub live, Node node) : IEngineObserver, ICouponFollowerObserver, ILedgerObserver
{
    private readonly Dictionary<int, string> _followerFaults = [];
    private readonly Dictionary<int, string> _engineTroubles = [];

    public void Changed(PartitionProgress progress)
    {
        if (progress.State == PartitionState.TakingOver)
            return;
        if (progress.Reason is null)
        {
            lock (_engineTroubles)
                _engineTroubles.Remove(progress.Partition);
            ServerLogMessages.PartitionChanged(logger, progress.Partition, Names.Of(progress.State), progress.Applied, progress.Told);
            return;
        }

        telemetry.Fault("engine");
        if (!IsNews(_engineTroubles, progress.Partition, progress.Reason))
            return;
        ServerLogMessages.PartitionInTrouble(logger, progress.Partition, Names.Of(progress.State), progress.Reason);
    }

    public void Applied(int partition, int records, int commands) => telemetry.Applied(commands);

    public void Decided(int partition, ReadOnlyMemory<byte> told) => node.Door?.Partitions[partition].Decided(told);

    public void DeadLettered(RecordAddress address)
    {
        telemetry.DeadLetter();
        ServerLogMessages.DeadLettered(logger, address);
    }

    public void Ready(int partition)
    {
        lock (_followerFaults)
            _followerFaults.Remove(partition);
        live.Renew();
    }

    public void Told(int partition, EventRecord told, DecidedRecord record)
    {
        Span<long> counts = stackalloc long[(int)CouponOutcome.Undecodable + 1];
        for (var i = 0; i < record.Count; i++)
            counts[(int)record[i].Outcome]++;
        for (var outcome = 0; outcome < counts.Length; outcome++)
        {
            if (counts[outcome] > 0)
                telemetry.Decided((CouponOutcome)outcome, counts[outcome]);
        }

        live.Publish(partition, told, record);
    }

    public void Faulted(int partition, Exception fault)
    {
        telemetry.Fault("follower");
        if (IsNews(_followerFaults, partition, fault.Message))
            ServerLogMessages.FollowerFaulted(logger, partition, fault.Message);
    }

    public void DatabaseAway(int partition, Exception error) => Away(partition, "the database does not answer", error);

    public void DatabaseBack(int partition, int failures) => ServerLogMessages.LedgerBack(logger, partition, "the database answers", failures);

    public void LogAway(int partition, Exception error) => Away(partition, "the log does not answer", error);

    public void LogBack(int partition, int failures) => ServerLogMessages.LedgerBack(logger, partition, "the log answers", failures);

    private static bool IsNews(Dictionary<int, string> told, int partition, string message)
    {
        lock (told)
        {
            if (told.TryGetValue(partition, out var before) && before == message)
                return false;
            told[partition] = message;
            return true;
        }
    }

    private void Away(int partition, string what, Exception error)
    {
        telemetry.Fault("ledger");
        ServerLogMessages.LedgerAway(logger, partition, what, error.Message);
    }
}

/// <summary>How states are spelled in answers and logs.</summary>
internal static class Names
{
    public static string Of(PartitionState state) => state switch
    {
        PartitionState.Stopped => "stopped",
        PartitionState.TakingOver => "taking-over",
        PartitionState.Rebuilding => "rebuilding",
        PartitionState.Running => "running",
        PartitionState.Waiting => "waiting",
        PartitionState.Refused => "refused",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "not a state"),
    };

    public static string Of(EngineKind engine) => engine == EngineKind.Streamiz ? "streamiz" : "direct";

    public static string Of(LedgerPartitionState state) => state switch
    {
        LedgerPartitionState.Stopped => "stopped",
        LedgerPartitionState.Running => "running",
        LedgerPartitionState.DatabaseAway => "database-away",
        LedgerPartitionState.LogAway => "log-away",
        LedgerPartitionState.Refused => "refused",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "not a state"),
    };
}
