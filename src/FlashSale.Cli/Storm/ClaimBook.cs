using System.Text;

namespace FlashSale.Cli.Storm;

/// <summary>How far a claim has come, as its caller was told.</summary>
internal enum ClaimState : byte
{
    /// <summary>Not sent yet.</summary>
    Due,

    /// <summary>Sent, or about to be sent again.</summary>
    Sent,

    /// <summary>202: accepted, the decision is not known yet.</summary>
    Accepted,

    /// <summary>Decided: it won a coupon.</summary>
    Issued,

    /// <summary>Decided: refused.</summary>
    Refused,

    /// <summary>Refused before anything was appended.</summary>
    RefusedAtDoor,

    /// <summary>No answer, or one that says that it may count.</summary>
    Unknown,

    /// <summary>An answer that the interface does not know.</summary>
    Unexpected,
}

/// <summary>
/// What was told about every claim. A claim is changed only by the one request that is in flight for it; the counters are shared.
/// </summary>
internal sealed class ClaimBook(Schedule schedule, int campaigns, ToldWriter? told = null)
{
    private readonly ClaimState[] _states = new ClaimState[schedule.Count];
    private readonly byte[] _reasons = new byte[schedule.Count];
    private readonly long[] _tickets = new long[schedule.Count];
    private readonly bool[] _mayCount = new bool[schedule.Count];
    private readonly long[] _codes = new long[schedule.Count];

    // Tickets and codes: kept as objects they would survive one collection after the other, each of which copies them while all claims wait.
    private readonly ByteArena _arena = new();
    private readonly long[] _counts = new long[Enum.GetValues<ClaimState>().Length];
    private string? _firstUnexpected;
    private string? _firstContradiction;
    private long _contradictions;

    public Schedule Schedule { get; } = schedule;

    public Reasons Reasons { get; } = new();

    public int Campaigns { get; } = campaigns;

    /// <summary>The first answer that the interface does not know, as text.</summary>
    public string? FirstUnexpected => Volatile.Read(ref _firstUnexpected);

    /// <summary>Claims of which two different outcomes were told, and the first of them.</summary>
    public (long Count, string? First) Contradictions => (Interlocked.Read(ref _contradictions), _firstContradiction);

    /// <summary>Claims that are in this state now.</summary>
    public long Count(ClaimState state) => Interlocked.Read(ref _counts[(int)state]);

    /// <summary>Claims that nothing more is expected of at the door: answered, or given up.</summary>
    public long Finished => AcceptedInAll + Count(ClaimState.RefusedAtDoor) + Count(ClaimState.Unknown) + Count(ClaimState.Unexpected);

    /// <summary>All that have been sent.</summary>
    public long Offered => Interlocked.Read(ref _offered);

    /// <summary>All that were answered 202, decided or not.</summary>
    public long AcceptedInAll => Count(ClaimState.Accepted) + Decided;

    public long Decided => Count(ClaimState.Issued) + Count(ClaimState.Refused);

    private long _offered;

    public ClaimState StateOf(int slot) => _states[slot];

    public byte ReasonOf(int slot) => _reasons[slot];

    /// <summary>The code of the coupon won by a claim that is <see cref="ClaimState.Issued"/>.</summary>
    public string CodeOf(int slot) => Encoding.UTF8.GetString(_arena.Get(_codes[slot]));

    /// <summary>An attempt of this claim stayed without a clear answer, so that it may count though its last answer says otherwise.</summary>
    public bool MayCount(int slot) => _mayCount[slot];

    public ReadOnlySpan<byte> TicketOf(int slot) => _arena.Get(_tickets[slot]);

    /// <summary>Users are spread over the campaigns; a user's claims all go to the same one.</summary>
    public int CampaignOf(int slot) => Schedule.UserOf(slot) % Campaigns;

    public void Sent(int slot)
    {
        if (_states[slot] == ClaimState.Due)
            Interlocked.Increment(ref _offered);
        Move(slot, ClaimState.Sent, Reasons.None);
    }

    public void Accepted(int slot, ReadOnlySpan<byte> ticket)
    {
        _tickets[slot] = _arena.Add(ticket);
        told?.Accepted(slot, ticket);
        Move(slot, ClaimState.Accepted, Reasons.None);
    }

    public void RefusedAtDoor(int slot, byte reason)
    {
        told?.RefusedAtDoor(slot, CampaignOf(slot), Reasons.NameOf(reason));
        Move(slot, ClaimState.RefusedAtDoor, reason);
    }

    public void Unknown(int slot, byte reason) => Move(slot, ClaimState.Unknown, reason);

    public void MarkMayCount(int slot) => _mayCount[slot] = true;

    public void Unexpected(int slot, byte reason, string answer)
    {
        NoteUnexpected(answer);
        _mayCount[slot] = true;
        Move(slot, ClaimState.Unexpected, reason);
    }

    public void NoteUnexpected(string answer) => Interlocked.CompareExchange(ref _firstUnexpected, answer, null);

    public void Issued(int slot, ReadOnlySpan<byte> code)
    {
        if (_states[slot] != ClaimState.Accepted)
        {
            if (_states[slot] != ClaimState.Issued || !_arena.Get(_codes[slot]).SequenceEqual(code))
            {
                told?.Issued(slot, code);
                Contradicted(slot, $"issued {Encoding.UTF8.GetString(code)}");
            }
            return;
        }
        _codes[slot] = _arena.Add(code);
        told?.Issued(slot, code);
        Move(slot, ClaimState.Issued, Reasons.None);
    }

    public void Refused(int slot, byte reason)
    {
        if (_states[slot] != ClaimState.Accepted)
        {
            if (_states[slot] != ClaimState.Refused || _reasons[slot] != reason)
            {
                told?.Refused(slot, Reasons.NameOf(reason));
                Contradicted(slot, $"refused {Reasons.NameOf(reason)}");
            }
            return;
        }
        told?.Refused(slot, Reasons.NameOf(reason));
        Move(slot, ClaimState.Refused, reason);
    }

    private void Contradicted(int slot, string later)
    {
        Interlocked.Increment(ref _contradictions);
        string before = _states[slot] == ClaimState.Issued ? $"issued {CodeOf(slot)}" : $"refused {Reasons.NameOf(_reasons[slot])}";
        Interlocked.CompareExchange(ref _firstContradiction, $"{before}, later {later}", null);
    }

    private void Move(int slot, ClaimState to, byte reason)
    {
        ClaimState from = _states[slot];
        if (from != ClaimState.Due)
            Interlocked.Decrement(ref _counts[(int)from]);
        Interlocked.Increment(ref _counts[(int)to]);
        _reasons[slot] = reason;
        _states[slot] = to;
    }
}
