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

    public void Write(int item, ref RequestWriter request)
    {
        request.Append("/api/users/"u8);
        request.Append(options.UserPrefix);
        request.Append("-"u8);
        request.Append(users[item].User);
        request.Append("/coupons"u8);
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
