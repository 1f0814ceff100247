using System.Buffers.Text;
using System.Text;

namespace FlashSale.Cli.Http;

/// <summary>Appends to a fixed buffer; the requests written with it have known bounds, so running over it is a mistake in the code.</summary>
internal ref struct RequestWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;

    public int Length { get; private set; }

    public void Append(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer[Length..]);
        Length += bytes.Length;
    }

    public void Append(string text) => Length += Encoding.UTF8.GetBytes(text, _buffer[Length..]);

    public void Append(int number)
    {
        if (!Utf8Formatter.TryFormat(number, _buffer[Length..], out int written))
            throw new ArgumentException("The request does not fit into its buffer.", nameof(number));
        Length += written;
    }
}
