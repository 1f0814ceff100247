using System.Buffers.Text;
using System.Text;

namespace FlashSale.Cli.Http;

/// <summary>
/// One request as its exchange writes it: the path, perhaps an idempotency key, perhaps a JSON body, one after the other. A
/// request with a body is a POST, any other a GET. The requests written with it have known bounds, so running over the buffer
/// is a mistake in the code.
/// </summary>
internal ref struct RequestWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;
    private int _length;
    private int _pathLength = -1;
    private int _bodyStart = -1;

    public readonly bool HasBody => _bodyStart >= 0;

    public readonly ReadOnlySpan<byte> Path => _buffer[..(_pathLength < 0 ? _length : _pathLength)];

    /// <summary>Empty where there is none.</summary>
    public readonly ReadOnlySpan<byte> IdempotencyKey => _pathLength < 0 ? default : _buffer[_pathLength..(HasBody ? _bodyStart : _length)];

    public readonly ReadOnlySpan<byte> Body => HasBody ? _buffer[_bodyStart.._length] : default;

    /// <summary>The path is complete: what follows is the idempotency key.</summary>
    public void StartKey() => _pathLength = _length;

    /// <summary>Path and key are complete: what follows is the body.</summary>
    public void StartBody()
    {
        if (_pathLength < 0)
            _pathLength = _length;
        _bodyStart = _length;
    }

    public void Append(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer[_length..]);
        _length += bytes.Length;
    }

    public void Append(string text) => _length += Encoding.UTF8.GetBytes(text, _buffer[_length..]);

    public void Append(int number)
    {
        if (!Utf8Formatter.TryFormat(number, _buffer[_length..], out int written))
            throw new ArgumentException("The request does not fit into its buffer.", nameof(number));
        _length += written;
    }
}
