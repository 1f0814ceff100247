using FlashSale.Core.Engine;
using FlashSale.Core.Log;

namespace FlashSale.Core.Tests.Engine;

/// <summary>What an engine under test works with.</summary>
internal sealed record EngineWorld(
    LogId LogId, MemoryLog Log, IStateStore Store, Func<MemoryLog.Appender> Appenders, EngineOptions Options, ManualTime Time, TestIds Ids, IEngineObserver Observer);
