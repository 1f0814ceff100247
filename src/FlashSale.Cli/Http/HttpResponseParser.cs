using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace FlashSale.Cli.Http;

/// <summary>What a look at the received bytes found.</summary>
internal enum ParseStatus
{
    /// <summary>The answer is not complete yet.</summary>
    NeedMore,

    /// <summary>One whole answer was read.</summary>
    Complete,

    /// <summary>The bytes are not an HTTP/1.1 answer.</summary>
    Invalid,
}

/// <summary>One HTTP answer, pointing into the receive buffer.</summary>
internal readonly ref struct HttpAnswer(int status, ReadOnlySpan<byte> body, int retryAfterSeconds, bool close)
{
    public int Status { get; } = status;

    public ReadOnlySpan<byte> Body { get; } = body;

    public int RetryAfterSeconds { get; } = retryAfterSeconds;

    /// <summary>The server will close this connection after the answer.</summary>
    public bool Close { get; } = close;
}

/// <summary>
/// Reads HTTP/1.1 answers to single requests. It keeps nothing between calls: each call looks at everything received so far,
/// because an answer of this interface nearly always arrives in one piece and then state would only cost.
/// </summary>
internal static class HttpResponseParser
{
    private static ReadOnlySpan<byte> HeadEnd => "\r\n\r\n"u8;

    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    /// <summary>Looks for one whole answer at the start of <paramref name="received"/>; a chunked body is joined in place, but only once it is complete.</summary>
    public static ParseStatus TryParse(Span<byte> received, bool endOfStream, out HttpAnswer answer, out int consumed)
    {
        answer = default;
        consumed = 0;
        int start = 0;
        while (true)
        {
            int headLength = received[start..].IndexOf(HeadEnd);
            if (headLength < 0)
                return endOfStream ? ParseStatus.Invalid : ParseStatus.NeedMore;
            if (!TryReadHead(received.Slice(start, headLength), out Head head))
                return ParseStatus.Invalid;
            start += headLength + HeadEnd.Length;
            if (head.Status >= 200)
                return ReadBody(received, start, head, endOfStream, out answer, out consumed);
        }
    }

    private static ParseStatus ReadBody(Span<byte> received, int start, Head head, bool endOfStream, out HttpAnswer answer, out int consumed)
    {
        answer = default;
        consumed = 0;
        Span<byte> rest = received[start..];
        ReadOnlySpan<byte> body;
        int length;
        if (head.Status is 204 or 304)
        {
            body = default;
            length = 0;
        }
        else if (head.Chunked)
        {
            ParseStatus found = MeasureChunks(rest, out length);
            if (found != ParseStatus.Complete)
                return found == ParseStatus.NeedMore && endOfStream ? ParseStatus.Invalid : found;
            body = JoinChunks(rest);
        }
        else if (head.ContentLength >= 0)
        {
            if (rest.Length < head.ContentLength)
                return endOfStream ? ParseStatus.Invalid : ParseStatus.NeedMore;
            length = (int)head.ContentLength;
            body = rest[..length];
        }
        else
        {
            if (!endOfStream)
                return ParseStatus.NeedMore;
            length = rest.Length;
            body = rest;
        }
        answer = new HttpAnswer(head.Status, body, head.RetryAfterSeconds, head.Close || endOfStream);
        consumed = start + length;
        return ParseStatus.Complete;
    }

    private static bool TryReadHead(ReadOnlySpan<byte> head, out Head result)
    {
        result = new Head { ContentLength = -1 };
        // "HTTP/1.1 202 Accepted": the reason phrase may be empty or missing.
        if (head.Length < 12 || !head.StartsWith("HTTP/1."u8) || head[8] != (byte)' ')
            return false;
        if (!Utf8Parser.TryParse(head.Slice(9, 3), out int status, out int digits) || digits != 3 || status < 100)
            return false;
        result.Status = status;
        result.Close = head[7] == (byte)'0';
        int line = head.IndexOf(LineEnd);
        while (line >= 0)
        {
            head = head[(line + LineEnd.Length)..];
            line = head.IndexOf(LineEnd);
            ReadOnlySpan<byte> field = line < 0 ? head : head[..line];
            int colon = field.IndexOf((byte)':');
            if (colon <= 0 || !ReadField(field[..colon], field[(colon + 1)..].Trim(" \t"u8), ref result))
                return false;
        }
        return true;
    }

    private static bool ReadField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, ref Head head)
    {
        if (Ascii.EqualsIgnoreCase(name, "content-length"u8))
        {
            if (!Utf8Parser.TryParse(value, out long length, out int used) || used != value.Length || length is < 0 or > int.MaxValue)
                return false;
            head.ContentLength = length;
        }
        else if (Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8))
        {
            if (!Ascii.EqualsIgnoreCase(value, "chunked"u8))
                return false;
            head.Chunked = true;
        }
        else if (Ascii.EqualsIgnoreCase(name, "connection"u8))
        {
            head.Close = Ascii.EqualsIgnoreCase(value, "close"u8);
        }
        else if (Ascii.EqualsIgnoreCase(name, "retry-after"u8))
        {
            // A date is allowed too; it counts as "now", which only means asking once more.
            int seconds = Utf8Parser.TryParse(value, out int given, out int used) && used == value.Length ? given : 0;
            head.RetryAfterSeconds = Math.Clamp(seconds, 0, 3600);
        }
        return true;
    }

    private static ParseStatus MeasureChunks(ReadOnlySpan<byte> rest, out int length)
    {
        length = 0;
        while (true)
        {
            ParseStatus found = ReadChunkSize(rest[length..], out int size, out int headLength);
            if (found != ParseStatus.Complete)
                return found;
            length += headLength;
            if (size == 0)
                return MeasureTrailers(rest, ref length);
            if (rest.Length - length < size + LineEnd.Length)
                return ParseStatus.NeedMore;
            length += size;
            if (!rest[length..].StartsWith(LineEnd))
                return ParseStatus.Invalid;
            length += LineEnd.Length;
        }
    }

    private static ParseStatus MeasureTrailers(ReadOnlySpan<byte> rest, ref int length)
    {
        while (true)
        {
            int line = rest[length..].IndexOf(LineEnd);
            if (line < 0)
                return ParseStatus.NeedMore;
            length += line + LineEnd.Length;
            if (line == 0)
                return ParseStatus.Complete;
        }
    }

    private static ParseStatus ReadChunkSize(ReadOnlySpan<byte> rest, out int size, out int headLength)
    {
        size = 0;
        headLength = 0;
        int line = rest.IndexOf(LineEnd);
        if (line < 0)
            return rest.Length > 1024 ? ParseStatus.Invalid : ParseStatus.NeedMore;
        ReadOnlySpan<byte> digits = rest[..line];
        int extension = digits.IndexOf((byte)';');
        if (extension >= 0)
            digits = digits[..extension];
        if (!int.TryParse(digits.Trim(" \t"u8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out size) || size < 0)
            return ParseStatus.Invalid;
        headLength = line + LineEnd.Length;
        return ParseStatus.Complete;
    }

    private static ReadOnlySpan<byte> JoinChunks(Span<byte> rest)
    {
        int from = 0, to = 0;
        while (ReadChunkSize(rest[from..], out int size, out int headLength) == ParseStatus.Complete && size > 0)
        {
            from += headLength;
            rest.Slice(from, size).CopyTo(rest[to..]);
            to += size;
            from += size + LineEnd.Length;
        }
        return rest[..to];
    }

    private struct Head
    {
        public int Status;
        public long ContentLength;
        public int RetryAfterSeconds;
        public bool Chunked;
        public bool Close;
    }
}
