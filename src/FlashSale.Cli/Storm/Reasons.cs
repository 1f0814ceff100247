using System.Text;

namespace FlashSale.Cli.Storm;

/// <summary>Numbers the reasons that answers give, so that a claim needs one byte for its reason.</summary>
internal sealed class Reasons
{
    public const byte None = 0;
    public const string Other = "other";
    private const int CountMax = 64;
    private readonly Lock _gate = new();
    private byte[][] _names = [[]];

    public byte NumberOf(ReadOnlySpan<byte> name)
    {
        byte[][] names = Volatile.Read(ref _names);
        for (int i = 0; i < names.Length; i++)
        {
            if (name.SequenceEqual(names[i]))
                return (byte)i;
        }
        return Add(name);
    }

    public byte NumberOf(string name) => NumberOf(Encoding.UTF8.GetBytes(name));

    public string NameOf(byte number) => Encoding.UTF8.GetString(Volatile.Read(ref _names)[number]);

    public int Count => Volatile.Read(ref _names).Length;

    private byte Add(ReadOnlySpan<byte> name)
    {
        byte[] added = name.ToArray();
        lock (_gate)
        {
            int known = Array.FindIndex(_names, n => n.AsSpan().SequenceEqual(added));
            if (known >= 0)
                return (byte)known;
            // The interface knows about a dozen; a server that invents more must not fill the memory.
            if (_names.Length > CountMax)
                return CountMax;
            Volatile.Write(ref _names, [.. _names, _names.Length < CountMax ? added : Encoding.UTF8.GetBytes(Other)]);
            return (byte)(_names.Length - 1);
        }
    }
}
