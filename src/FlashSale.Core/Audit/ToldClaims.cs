using System.Runtime.InteropServices;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Core.Audit;

/// <summary>
/// What callers were told, as a storm has recorded it. Kept as 24 bytes for each accepted claim, so that ten million of them
/// are a quarter of a gigabyte: of claims and codes only hashes of 32 bits.
/// </summary>
/// <remarks>
/// The file is text, one line for each answer, in the order of their arrival. N counts the storm's claims.
/// <code>
/// flashsale-told 1
/// accepted N TICKET      the 202
/// issued N CODE          the final answer of the ticket
/// refused N REASON       the same
/// door N CAMPAIGN REASON refused before anything was appended
/// </code>
/// </remarks>
public sealed class ToldClaims
{
    public const string Heading = "flashsale-told 1";

    private readonly List<Entry> _entries = [];
    private readonly Dictionary<string, long> _soldOutAtDoor = [];
    private readonly List<(RecordAddress Address, string First, string Second)> _contradictions = [];

    // By number of the claim; -1 where no ticket is known.
    private readonly List<int> _byNumber = [];

    private ToldClaims()
    {
    }

    /// <summary>The log that the tickets are of; none where there is no ticket.</summary>
    public LogId Log { get; private set; }

    /// <summary>Claims answered 202.</summary>
    public long Accepted => _entries.Count;

    /// <summary>Accepted claims whose final answer was told.</summary>
    public long Decided { get; private set; }

    /// <summary>Claims of which two final answers were told that differ.</summary>
    internal IReadOnlyList<(RecordAddress Address, string First, string Second)> Contradictions => _contradictions;

    /// <summary>Claims refused as sold out at the door, by campaign.</summary>
    internal IReadOnlyDictionary<string, long> SoldOutAtDoor => _soldOutAtDoor;

    /// <exception cref="FormatException">It is no such file; the message says where.</exception>
    public static ToldClaims Read(TextReader text)
    {
        var told = new ToldClaims();
        if (text.ReadLine() != Heading)
            throw new FormatException($"it does not begin with '{Heading}'");
        for (var line = 2L; text.ReadLine() is { } read; line++)
        {
            // What was being written when the storm was killed.
            if (!told.TryAdd(read) && text.Peek() >= 0)
                throw new FormatException($"line {line} cannot be read: {read[..Math.Min(read.Length, 80)]}");
        }

        // Those who wait for an answer are found by number until all are read, then all are found by address.
        told._byNumber.Clear();
        told._byNumber.TrimExcess();
        CollectionsMarshal.AsSpan(told._entries).Sort(static (a, b) => a.Partition != b.Partition ? a.Partition.CompareTo(b.Partition) : a.Place.CompareTo(b.Place));
        return told;
    }

    internal ReadOnlySpan<Entry> Of(int partition)
    {
        var all = CollectionsMarshal.AsSpan(_entries);
        var from = FirstAtOrAfter(all, partition);
        return all[from..FirstAtOrAfter(all, partition + 1)];
    }

    internal static uint HashOf(string text) => HashOf(MemoryMarshal.AsBytes(text.AsSpan()));

    internal static uint HashOf(string campaignId, ReadOnlySpan<byte> user, ulong claimId, long instantMs)
    {
        var hash = new HashCode32();
        hash.Add(MemoryMarshal.AsBytes(campaignId.AsSpan()));
        hash.Add(user);
        hash.Add(claimId);
        hash.Add((ulong)instantMs);
        return hash.Value;
    }

    private static uint HashOf(ReadOnlySpan<byte> bytes)
    {
        var hash = new HashCode32();
        hash.Add(bytes);
        return hash.Value;
    }

    private static int FirstAtOrAfter(ReadOnlySpan<Entry> sorted, int partition)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle].Partition < partition ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private bool TryAdd(string line)
    {
        var parts = line.Split(' ');
        if (parts.Length < 3 || !int.TryParse(parts[1], out var number) || number < 0)
            return false;
        switch (parts[0])
        {
            case "accepted" when parts.Length == 3:
                return TryAccept(number, parts[2]);
            case "issued" when parts.Length == 3:
                return TryDecide(number, CouponOutcome.Issued, parts[2]);
            case "refused" when parts.Length == 3:
                return CouponOutcomeNames.TryParse(parts[2]) is { } reason && reason.IsRefusal() && TryDecide(number, reason, "");
            case "door" when parts.Length == 4:
                if (parts[3] == CouponOutcome.SoldOut.Name())
                    CollectionsMarshal.GetValueRefOrAddDefault(_soldOutAtDoor, parts[2], out _)++;
                return true;
            default:
                return false;
        }
    }

    private bool TryAccept(int number, string text)
    {
        if (TicketSigner.TryDecode(text) is not { Claim: var claim })
            return false;
        if (Log.IsNone)
            Log = claim.Log;
        if (claim.Log != Log)
            throw new FormatException($"its tickets are of two logs, {Log} and {claim.Log}");
        while (_byNumber.Count <= number)
            _byNumber.Add(-1);
        _byNumber[number] = _entries.Count;
        Span<byte> user = stackalloc byte[Identifier.LengthMax];
        var length = System.Text.Encoding.ASCII.GetBytes(claim.UserId, user);
        _entries.Add(new Entry
        {
            Place = Entry.PlaceOf(claim.Offset, claim.Index),
            Partition = (ushort)claim.Partition,
            Claim = HashOf(claim.CampaignId, user[..length], claim.ClaimId, claim.InstantMs),
        });
        return true;
    }

    private bool TryDecide(int number, CouponOutcome outcome, string code)
    {
        if (number >= _byNumber.Count || _byNumber[number] < 0)
            return false;
        ref var entry = ref CollectionsMarshal.AsSpan(_entries)[_byNumber[number]];
        var hash = HashOf(code);
        if (entry.Outcome == CouponOutcome.None)
        {
            (entry.Outcome, entry.Code) = (outcome, hash);
            Decided++;
        }
        else if ((entry.Outcome, entry.Code) != (outcome, hash) && _contradictions.Count < Differences.KeptMax)
        {
            _contradictions.Add((new RecordAddress(entry.Partition, entry.Offset, entry.Index), entry.Outcome.Name(), $"{outcome.Name()} {code}".TrimEnd()));
        }

        return true;
    }

    /// <summary>What was told of one claim.</summary>
    internal struct Entry
    {
        /// <summary>Offset and index of the claim: orders the claims of a partition.</summary>
        public ulong Place { get; init; }

        public uint Claim { get; init; }

        public uint Code { get; set; }

        public ushort Partition { get; init; }

        /// <summary>None: no final answer.</summary>
        public CouponOutcome Outcome { get; set; }

        public readonly long Offset => (long)(Place >> 16);

        public readonly int Index => (int)(Place & 0xFFFF);

        public static ulong PlaceOf(long offset, int index) => ((ulong)offset << 16) | (uint)index;
    }

    /// <summary>FNV-1a of 64 bits, folded.</summary>
    private struct HashCode32()
    {
        private ulong _hash = 14695981039346656037UL;

        public readonly uint Value => (uint)(_hash ^ (_hash >> 32));

        public void Add(ReadOnlySpan<byte> bytes)
        {
            foreach (var b in bytes)
                _hash = (_hash ^ b) * 1099511628211UL;
        }

        public void Add(ulong value) => Add(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value)));
    }
}
