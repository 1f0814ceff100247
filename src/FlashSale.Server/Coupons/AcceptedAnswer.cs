using System.Buffers.Text;
using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Server.Http;

namespace FlashSale.Server.Coupons;

/// <summary>
/// The 202 of a claim. Its JSON is <see cref="ClaimAccepted"/> as the serializer would write it, put together by hand: every claim gets one, and
/// nothing in it has to be escaped.
/// </summary>
internal static class AcceptedAnswer
{
    private const string StatusPath = "/api/claims/";

    /// <summary>Of any 64-bit number, with its sign.</summary>
    private const int DigitsMax = 20;

    public static Task WriteAsync(HttpContext context, TicketSigner tickets, Ticket ticket, long position)
    {
        // One text for both: the ticket is the end of its address.
        var statusUrl = tickets.Sign(ticket, StatusPath);
        var response = context.Response;
        response.StatusCode = StatusCodes.Status202Accepted;
        response.Headers.Location = statusUrl;
        return response.WriteJsonAsync(Json(statusUrl, position));
    }

    internal static byte[] Json(string statusUrl, long position)
    {
        var ticket = statusUrl.AsSpan(StatusPath.Length);
        Span<byte> digits = stackalloc byte[DigitsMax];
        Utf8Formatter.TryFormat(position, digits, out var count);
        var beforeTicket = "{\"ticket\":\""u8;
        var beforePosition = "\",\"state\":\"waiting\",\"position\":"u8;
        var beforeUrl = ",\"statusUrl\":\""u8;
        var end = "\"}"u8;

        var json = new byte[beforeTicket.Length + ticket.Length + beforePosition.Length + count + beforeUrl.Length + statusUrl.Length + end.Length];
        var left = json.AsSpan();
        Put(beforeTicket, ref left);
        Put(ticket, ref left);
        Put(beforePosition, ref left);
        Put(digits[..count], ref left);
        Put(beforeUrl, ref left);
        Put(statusUrl, ref left);
        Put(end, ref left);
        return json;
    }

    private static void Put(scoped ReadOnlySpan<byte> text, ref Span<byte> left)
    {
        text.CopyTo(left);
        left = left[text.Length..];
    }

    private static void Put(scoped ReadOnlySpan<char> text, ref Span<byte> left) => left = left[Encoding.ASCII.GetBytes(text, left)..];
}
