namespace FlashSale.Cli.Storm;

/// <summary>Keeps many short byte strings in a few large arrays, so that a million tickets are no million objects for the collector.</summary>
internal sealed class ByteArena
{
    private const int ChunkBytes = 1 << 20;
    private readonly Lock _gate = new();
    private byte[][] _chunks = [];
    private int _used = ChunkBytes;

    /// <summary>Keeps a copy; the handle is never 0.</summary>
    public long Add(ReadOnlySpan<byte> value)
    {
        if (value.Length > ushort.MaxValue)
            throw new ArgumentException("Longer than a handle can say.", nameof(value));
        lock (_gate)
        {
            if (_used + value.Length > ChunkBytes)
            {
                // A new array of arrays each time: readers take no lock.
                Volatile.Write(ref _chunks, [.. _chunks, new byte[ChunkBytes]]);
                _used = 0;
            }
            value.CopyTo(_chunks[^1].AsSpan(_used));
            long handle = ((long)_chunks.Length << 40) | ((long)_used << 16) | (uint)value.Length;
            _used += value.Length;
            return handle;
        }
    }

    public ReadOnlySpan<byte> Get(long handle) =>
        Volatile.Read(ref _chunks)[(int)(handle >> 40) - 1].AsSpan((int)(handle >> 16) & (ChunkBytes - 1), (int)(handle & ushort.MaxValue));
}
