using System.Buffers.Binary;
using System.Numerics;
using FlashSale.Core.Log;

namespace FlashSale.Core.Coupons;

/// <summary>
/// The coupons that the users of one campaign hold, in the order in which each user got them. Made for millions, which an audit
/// holds at once: some 40 bytes a coupon and no object of its own for any. Not for several threads at a time.
/// </summary>
/// <remarks>
/// Entries stand one after the other in large arrays, and are never moved or removed. An entry is the place of the user's next
/// coupon (4 bytes; 0: none), the length of the user's id (1 byte; 0 behind the user's first coupon), the coupon in the layout of
/// <see cref="ClaimEntry"/> and the id. A hash table with open addressing leads from an id to the place of its first entry.
/// Places count units of four bytes from 1, so that 32 bits reach the largest campaign with the longest ids (10 GB).
/// </remarks>
public sealed class CouponHoldings
{
    private const int Unit = 4;
    private const int LengthAt = 4;
    private const int CouponAt = 5;
    private const int UserAt = CouponAt + ClaimEntry.Size;

    // Above the size from which the collector leaves arrays where they are.
    private const int ChunkBytes = 1 << 17;
    private const int ChunkUnitsLog2 = 15;
    private const int FirstChunkBytes = 1 << 8;

    private readonly List<byte[]> _chunks = [];
    private readonly List<int> _used = [];
    private uint[] _slots = [];

    /// <summary>Users who hold any.</summary>
    public int Users { get; private set; }

    /// <summary>Coupons held by all of them.</summary>
    public int Coupons { get; private set; }

    /// <summary>The coupons of a user, none where there are none.</summary>
    public UserCouponsView Of(ReadOnlySpan<byte> user) => new(this, Users == 0 ? 0 : _slots[SlotOf(user)]);

    /// <summary>All users, in the order of their first coupons.</summary>
    public UserWalk Walk() => new(this);

    internal void Add(ReadOnlySpan<byte> user, in ClaimEntry coupon)
    {
        // At most three slots of four are taken: probing stays short.
        if (Users >= _slots.Length / 4 * 3)
            Grow();
        ref var slot = ref _slots[SlotOf(user)];
        if (slot == 0)
        {
            slot = Append(user, coupon);
            Users++;
        }
        else
        {
            var last = slot;
            while (NextOf(last) is var next and not 0)
                last = next;
            // First appended: that may move the entries of the first array.
            var place = Append([], coupon);
            BinaryPrimitives.WriteUInt32LittleEndian(Entry(last), place);
        }

        Coupons++;
    }

    private uint Append(ReadOnlySpan<byte> user, in ClaimEntry coupon)
    {
        var size = (UserAt + user.Length + Unit - 1) / Unit * Unit;
        Reserve(size);
        var chunk = _chunks.Count - 1;
        var entry = _chunks[chunk].AsSpan(_used[chunk]);
        entry[LengthAt] = (byte)user.Length;
        coupon.Write(entry[CouponAt..]);
        user.CopyTo(entry[UserAt..]);
        var place = ((uint)chunk << ChunkUnitsLog2) + (uint)(_used[chunk] / Unit) + 1;
        _used[chunk] += size;
        return place;
    }

    private void Reserve(int size)
    {
        if (_chunks.Count == 0 || _used[^1] + size > ChunkBytes)
        {
            _chunks.Add(new byte[_chunks.Count == 0 ? FirstChunkBytes : ChunkBytes]);
            _used.Add(0);
        }

        // The first one grows, as most campaigns are small.
        if (_used[^1] + size > _chunks[^1].Length)
        {
            var chunk = _chunks[^1];
            Array.Resize(ref chunk, Math.Min(ChunkBytes, chunk.Length * 4));
            _chunks[^1] = chunk;
        }
    }

    private void Grow()
    {
        _slots = new uint[Math.Max(8, _slots.Length * 2)];
        for (var walk = Walk(); walk.MoveNext();)
            _slots[SlotOf(walk.User)] = walk.Place;
    }

    /// <summary>The slot of a user, or the free one where the user belongs.</summary>
    private int SlotOf(ReadOnlySpan<byte> user)
    {
        var hash = MachineTopics.Fnv1A(user);
        // Fibonacci hashing: the upper bits of the product, as FNV's lower ones are weak.
        var at = (int)((hash * 0x9E3779B97F4A7C15UL) >> (64 - BitOperations.Log2((uint)_slots.Length)));
        while (_slots[at] is var place and not 0 && !UserOf(place).SequenceEqual(user))
            at = (at + 1) & (_slots.Length - 1);
        return at;
    }

    private Span<byte> Entry(uint place) =>
        _chunks[(int)((place - 1) >> ChunkUnitsLog2)].AsSpan((int)((place - 1) & ((1 << ChunkUnitsLog2) - 1)) * Unit);

    private uint NextOf(uint place) => BinaryPrimitives.ReadUInt32LittleEndian(Entry(place));

    private ReadOnlySpan<byte> UserOf(uint place)
    {
        var entry = Entry(place);
        return entry.Slice(UserAt, entry[LengthAt]);
    }

    /// <summary>The coupons of one user: enumerable, in the order in which they were issued.</summary>
    public ref struct UserCouponsView
    {
        private readonly CouponHoldings _holdings;
        private uint _next;

        internal UserCouponsView(CouponHoldings holdings, uint first)
        {
            _holdings = holdings;
            _next = first;
        }

        /// <summary>The coupon in the layout of <see cref="ClaimEntry"/>.</summary>
        public ReadOnlySpan<byte> Current { get; private set; }

        public readonly bool IsEmpty => _next == 0;

        public readonly UserCouponsView GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_next == 0)
                return false;
            Current = _holdings.Entry(_next).Slice(CouponAt, ClaimEntry.Size);
            _next = _holdings.NextOf(_next);
            return true;
        }
    }

    /// <summary>Goes through all users. What is added meanwhile may be seen.</summary>
    public struct UserWalk
    {
        private readonly CouponHoldings _holdings;
        private int _chunk;
        private int _position;

        internal UserWalk(CouponHoldings holdings) => _holdings = holdings;

        internal uint Place { get; private set; }

        public readonly ReadOnlySpan<byte> User => _holdings.UserOf(Place);

        public readonly UserCouponsView Coupons => new(_holdings, Place);

        public bool MoveNext()
        {
            while (_chunk < _holdings._chunks.Count)
            {
                if (_position == _holdings._used[_chunk])
                {
                    _chunk++;
                    _position = 0;
                    continue;
                }

                var length = _holdings._chunks[_chunk][_position + LengthAt];
                Place = ((uint)_chunk << ChunkUnitsLog2) + (uint)(_position / Unit) + 1;
                _position += (UserAt + length + Unit - 1) / Unit * Unit;
                if (length > 0)
                    return true;
            }

            return false;
        }
    }
}
