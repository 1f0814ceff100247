using Microsoft.Extensions.Logging;

namespace FlashSale.Streams;

/// <summary>What this project logs. Event ids 400 to 499.</summary>
internal static partial class StreamsLogMessages
{
    [LoggerMessage(400, LogLevel.Warning, "The stream has ended and is started anew: {Reason}")]
    public static partial void StreamEnded(ILogger logger, string reason);

    [LoggerMessage(401, LogLevel.Warning, "Kafka client of the stream: {Reason}")]
    public static partial void ClientError(ILogger logger, string reason);
}
