using System.Globalization;
using System.Text;
using FlashSale.Core.Audit;

namespace FlashSale.Cli.Storm;

/// <summary>Records what callers were told, answer by answer, for <c>flashsale audit --told</c>. The lines: <see cref="ToldClaims"/>. For several threads.</summary>
internal sealed class ToldWriter : IDisposable
{
    private readonly Lock _gate = new();
    private readonly StreamWriter _lines;
    private readonly IReadOnlyList<string> _campaigns;
    private bool _disposed;

    public ToldWriter(Stream stream, IReadOnlyList<string> campaigns)
    {
        _lines = new StreamWriter(stream, Encoding.ASCII, bufferSize: 1 << 16);
        _lines.Write(ToldClaims.Heading + "\n");
        _campaigns = campaigns;
    }

    public void Accepted(int claim, ReadOnlySpan<byte> ticket) => Write($"accepted {claim} {Encoding.ASCII.GetString(ticket)}");

    public void Issued(int claim, ReadOnlySpan<byte> code) => Write($"issued {claim} {Encoding.UTF8.GetString(code)}");

    public void Refused(int claim, string reason) => Write($"refused {claim} {reason}");

    public void RefusedAtDoor(int claim, int campaign, string reason) => Write($"door {claim} {_campaigns[campaign]} {reason}");

    /// <summary>To be called now and then: what is not flushed is lost with the process.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (!_disposed)
                _lines.Flush();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _lines.Dispose();
        }
    }

    private void Write(FormattableString line)
    {
        string text = line.ToString(CultureInfo.InvariantCulture);
        lock (_gate)
        {
            // An answer that comes when the storm is over is nobody's any more.
            if (_disposed)
                return;
            _lines.Write(text);
            _lines.Write('\n');
        }
    }
}
