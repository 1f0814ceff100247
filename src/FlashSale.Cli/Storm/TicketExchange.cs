using System.Text;
using FlashSale.Cli.Http;

namespace FlashSale.Cli.Storm;

/// <summary>GET /api/claims/{ticket}?wait=N until the claim is decided.</summary>
internal sealed class TicketExchange(ClaimBook book, StormMeters? meters, Action<int, TimeSpan> askAgain) : IExchange
{
    /// <summary>How long the server may hold an answer; the interface allows 30 s.</summary>
    public static readonly TimeSpan Wait = TimeSpan.FromSeconds(20);

    // A server that does not hold its answers (its state is being rebuilt) is asked four times a second.
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(250);

    private static readonly byte[] AfterTicket = Encoding.UTF8.GetBytes($"?wait={(int)Wait.TotalSeconds}");
    private long _asked;
    private long _finished;
    private long _answers;

    /// <summary>Answers received, those that say "waiting" included.</summary>
    public long Answers => Interlocked.Read(ref _answers);

    /// <summary>Claims whose decision was asked for and is neither known nor given up.</summary>
    public long Outstanding => Interlocked.Read(ref _asked) - Interlocked.Read(ref _finished);

    /// <summary>To be called before a claim is handed to the pool.</summary>
    public void Asking() => Interlocked.Increment(ref _asked);

    public void Write(int item, ref RequestWriter request)
    {
        request.Append("/api/claims/"u8);
        request.Append(book.TicketOf(item));
        request.Append(AfterTicket);
    }

    public void Complete(int item, in HttpAnswer answer)
    {
        Interlocked.Increment(ref _answers);
        if (answer.Status is 429 or >= 500)
        {
            book.NoteUnexpected(AnswerReader.Describe(answer.Status, answer.Body));
            askAgain(item, TimeSpan.FromSeconds(Math.Max(answer.RetryAfterSeconds, 1)));
            return;
        }
        DecisionState state = answer.Status == 200 ? AnswerReader.Decision(answer.Body, out ReadOnlySpan<byte> detail) : Unreadable(out detail);
        switch (state)
        {
            case DecisionState.Waiting:
                askAgain(item, AgainAfter);
                return;
            case DecisionState.Issued:
                book.Issued(item, detail);
                break;
            case DecisionState.Refused:
                book.Refused(item, book.Reasons.NumberOf(detail));
                break;
            default:
                // The claim stays accepted without an outcome, which the verdict reports with this answer.
                book.NoteUnexpected(AnswerReader.Describe(answer.Status, answer.Body));
                break;
        }
        if (state != DecisionState.Unreadable && meters is not null)
            meters.Answered(AnswerKind.Decided, item);
        Interlocked.Increment(ref _finished);
    }

    public void Failed(int item, NoAnswer reason)
    {
        if (reason == NoAnswer.Unreadable)
            book.NoteUnexpected("an answer that is not HTTP");
        askAgain(item, AgainAfter);
    }

    private static DecisionState Unreadable(out ReadOnlySpan<byte> detail)
    {
        detail = default;
        return DecisionState.Unreadable;
    }
}
