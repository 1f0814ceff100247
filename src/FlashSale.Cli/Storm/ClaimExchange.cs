using System.Buffers;
using System.Text;
using FlashSale.Cli.Http;

namespace FlashSale.Cli.Storm;

/// <summary>POST /api/campaigns/{id}/claims for one claim, and what its answer means.</summary>
internal sealed class ClaimExchange(ClaimBook book, StormMeters meters, StormOptions options) : IExchange
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(100);

    // Tickets go back in a path as they came; anything that would need escaping is not one.
    private static readonly SearchValues<byte> NotInTickets = SearchValues.Create(" /?#%\r\n"u8);

    private readonly byte[][] _paths = [.. options.Campaigns.Select(id => Encoding.UTF8.GetBytes($"/api/campaigns/{id}/claims"))];
    private readonly byte[] _userStart = Encoding.UTF8.GetBytes($"{{\"userId\":\"{options.UserPrefix}-");
    private readonly byte[] _keyStart = Encoding.UTF8.GetBytes($"{options.UserPrefix}-");
    private readonly byte _notConnected = book.Reasons.NumberOf("not-connected");
    private readonly byte _noAnswer = book.Reasons.NumberOf("no-answer");
    private readonly byte _unexpected = book.Reasons.NumberOf("unexpected");

    /// <summary>Sends a claim again whose answer is missing, later; null where that is not wanted.</summary>
    public Action<int, TimeSpan>? Retry { get; init; }

    /// <summary>Called for each accepted claim.</summary>
    public required Action<int> Accepted { get; init; }

    /// <summary>Called when nothing more is to come for a claim at the door, with whether the server answered.</summary>
    public Action<bool>? Finished { get; init; }

    public void Write(int item, ref RequestWriter request)
    {
        if (book.StateOf(item) == ClaimState.Due)
            meters.Sending(item);
        book.Sent(item);
        request.Append(_paths[book.CampaignOf(item)]);
        if (options.RetryUnknown)
        {
            request.StartKey();
            request.Append(_keyStart);
            request.Append(item);
        }
        request.StartBody();
        request.Append(_userStart);
        request.Append(book.Schedule.UserOf(item));
        request.Append("\"}"u8);
    }

    public void Complete(int item, in HttpAnswer answer)
    {
        if (answer.Status == 202)
        {
            CompleteAccepted(item, answer);
            return;
        }
        ReadOnlySpan<byte> code = AnswerReader.ProblemCode(answer.Body);
        if (answer.Status == 503 && code.SequenceEqual("log-unavailable"u8))
            MayCount(item, book.Reasons.NumberOf(code), TimeSpan.FromSeconds(answer.RetryAfterSeconds));
        else if (IsRefusal(answer.Status, code))
            CompleteRefused(item, code);
        else
            Unexpected(item, book.Reasons.NumberOf($"answer {answer.Status}"), AnswerReader.Describe(answer.Status, answer.Body));
    }

    public void Failed(int item, NoAnswer reason)
    {
        if (reason == NoAnswer.Unreadable)
        {
            Unexpected(item, _unexpected, "an answer that is not HTTP");
        }
        else if (reason == NoAnswer.Lost)
        {
            MayCount(item, _noAnswer, RetryAfter);
        }
        else
        {
            book.Sent(item);
            if (Retry is not null)
                Retry(item, RetryAfter);
            else
                Unknown(item, _notConnected);
        }
    }

    private void CompleteAccepted(int item, in HttpAnswer answer)
    {
        ReadOnlySpan<byte> ticket = AnswerReader.Property(answer.Body, "ticket"u8);
        if (ticket.IsEmpty || ticket.Length > IExchange.RequestBytesMax / 2 || ticket.ContainsAny(NotInTickets))
        {
            Unexpected(item, _unexpected, "202 without a ticket: " + AnswerReader.Describe(answer.Status, answer.Body));
            return;
        }
        meters.Answered(AnswerKind.Accepted, item);
        book.Accepted(item, ticket);
        Accepted(item);
        Finished?.Invoke(true);
    }

    private void CompleteRefused(int item, ReadOnlySpan<byte> code)
    {
        meters.Answered(AnswerKind.RefusedAtDoor, item);
        book.RefusedAtDoor(item, book.Reasons.NumberOf(code));
        Finished?.Invoke(true);
    }

    private void MayCount(int item, byte reason, TimeSpan retryAfter)
    {
        book.MarkMayCount(item);
        if (Retry is not null)
            Retry(item, retryAfter > RetryAfter ? retryAfter : RetryAfter);
        else
            Unknown(item, reason);
    }

    private void Unknown(int item, byte reason)
    {
        meters.Lost();
        book.Unknown(item, reason);
        Finished?.Invoke(false);
    }

    private void Unexpected(int item, byte reason, string answer)
    {
        meters.Lost();
        book.Unexpected(item, reason, answer);
        Finished?.Invoke(true);
    }

    private static bool IsRefusal(int status, ReadOnlySpan<byte> code) => status switch
    {
        404 => code.SequenceEqual("campaign-unknown"u8),
        409 => code.SequenceEqual("sold-out"u8) || code.SequenceEqual("not-open"u8) || code.SequenceEqual("closed"u8),
        429 => code.SequenceEqual("too-many-requests"u8),
        503 => code.SequenceEqual("overloaded"u8),
        _ => false,
    };
}
