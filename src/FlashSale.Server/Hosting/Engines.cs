using FlashSale.Core;
using FlashSale.Core.Engine;
using FlashSale.Core.Log;
using FlashSale.Kafka;

namespace FlashSale.Server.Hosting;

/// <summary>What runs the machines.</summary>
public enum EngineKind
{
    /// <summary>A consumer and a producer of our own, several batches in flight per partition.</summary>
    Direct,

    /// <summary>A Kafka Streams topology on Streamiz.Kafka.Net.</summary>
    Streamiz,
}

/// <summary>The engines of this build; the one place that knows which those are.</summary>
internal static class Engines
{
#if STREAMIZ
    public static bool HasStreamiz => true;
#else
    public static bool HasStreamiz => false;
#endif

    /// <summary>What runs where no engine is named. Nobody shares the partitions of an embedded broker, so a group and its loop would be in the way.</summary>
    public static EngineKind Default(Profile profile) => HasStreamiz && profile == Profile.Servers ? EngineKind.Streamiz : EngineKind.Direct;

    public static IMachineEngine Create(Settings settings, LogId log, NodeParts parts)
    {
#if STREAMIZ
        if (settings.EngineKind == EngineKind.Streamiz)
        {
            return new Streams.StreamizEngine(
                parts.Machine.Topics,
                p => new SequentialPartition(
                    parts.Machine, p, log, parts.MachinesLog!, parts.States, parts.Appenders!.Current, settings.Engine, parts.Time, RandomIds.Shared, parts.Observers),
                settings.Kafka, settings.Engine, settings.Streamiz, parts.Loopback, parts.Time, parts.Loggers);
        }
#endif
        return new DirectEngine(
            [.. Enumerable.Range(0, settings.Kafka.Partitions).Select(p => new MachinePartition(
                parts.Machine, p, log, parts.MachinesLog!, parts.States, parts.Appenders!.Current, settings.Engine, parts.Time, RandomIds.Shared, parts.Observers))],
            parts.Broker is null ? parts.Group("machines", parts.Machine.Topics.Commands) : null);
    }
}
