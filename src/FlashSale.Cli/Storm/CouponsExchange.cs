using FlashSale.Cli.Http;

namespace FlashSale.Cli.Storm;

/// <summary>A user whose claim may count though nobody was told so, and the coupons the server says that the user holds.</summary>
internal sealed class UserInDoubt(int user, int campaign)
{
    public int User { get; } = user;

    public int Campaign { get; } = campaign;

    /// <summary>Null until it is known.</summary>
    public IReadOnlyList<string>? Codes { get; set; }
}

/// <summary>GET /api/users/{userId}/coupons: the way to learn what became of a claim that had no answer.</summary>
internal sealed class CouponsExchange(IReadOnlyList<UserInDoubt> users, StormOptions options, ClaimBook book) : IExchange
{
    private int _finished;

    /// <summary>Requests that have come to an end, with or without an answer.</summary>
    public int Finished => Volatile.Read(ref _finished);

    public int Write(int item, HttpEndpoint endpoint, Span<byte> buffer)
    {
        var writer = new RequestWriter(buffer);
        writer.Append("GET /api/users/"u8);
        writer.Append(options.UserPrefix);
        writer.Append("-"u8);
        writer.Append(users[item].User);
        writer.Append("/coupons HTTP/1.1\r\nHost: "u8);
        writer.Append(endpoint.HostHeader);
        writer.Append("\r\n\r\n"u8);
        return writer.Length;
    }

    public void Complete(int item, in HttpAnswer answer)
    {
        var codes = new List<string>();
        if (answer.Status == 200 && AnswerReader.TryReadCoupons(answer.Body, options.Campaigns[users[item].Campaign], codes))
            users[item].Codes = codes;
        else
            book.NoteUnexpected(AnswerReader.Describe(answer.Status, answer.Body));
        Interlocked.Increment(ref _finished);
    }

    public void Failed(int item, NoAnswer reason) => Interlocked.Increment(ref _finished);
}
