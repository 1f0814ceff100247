namespace FlashSale.Cli.Http;

/// <summary>Why a request has no answer.</summary>
internal enum NoAnswer
{
    /// <summary>No connection could be made: the request was certainly not received.</summary>
    NotConnected,

    /// <summary>The connection broke or stayed silent after the request may have been sent: it may or may not count.</summary>
    Lost,

    /// <summary>Something came back that is not HTTP/1.1.</summary>
    Unreadable,
}

/// <summary>One kind of request: how it is written, and what its answer means. Items are numbers that the exchange understands.</summary>
internal interface IExchange
{
    /// <summary>Writes the request, at most <see cref="RequestBytesMax"/> bytes.</summary>
    void Write(int item, ref RequestWriter request);

    /// <summary>The answer has arrived; called on the thread that received it, so it must not block.</summary>
    void Complete(int item, in HttpAnswer answer);

    /// <summary>There will be no answer to this request.</summary>
    void Failed(int item, NoAnswer reason);

    // Ids have 64 characters at most and tickets some hundreds.
    const int RequestBytesMax = 4096;
}
