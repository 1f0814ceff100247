using System.Runtime.CompilerServices;
using FlashSale.Core.Coupons;

namespace FlashSale.Core.Door;

/// <summary>
/// A claim on its way through the door: awaited once, it yields the answer. It is known at once, waits for the state, or waits for the append
/// of the command, as most do; that takes no memory of its own (see <see cref="Appending"/>).
/// </summary>
public readonly struct ClaimTaking
{
    private readonly ClaimTaken _known;
    private readonly Task<ClaimTaken>? _asking;
    private readonly CouponFollower? _follower;
    private readonly CouponCommand? _command;
    private readonly Appending _appending;

    internal ClaimTaking(ClaimTaken known) => _known = known;

    internal ClaimTaking(Task<ClaimTaken> asking) => _asking = asking;

    internal ClaimTaking(CouponFollower follower, CouponCommand command, Appending appending) =>
        (_follower, _command, _appending) = (follower, command, appending);

    public Awaiter GetAwaiter() => new(this);

    /// <summary>What <c>await</c> needs.</summary>
    public readonly struct Awaiter : ICriticalNotifyCompletion
    {
        private readonly ClaimTaking _taking;
        private readonly Appending.Awaiter _appended;

        internal Awaiter(ClaimTaking taking) => (_taking, _appended) = (taking, taking._appending.GetAwaiter());

        public bool IsCompleted => _taking._asking is { } asking ? asking.IsCompleted : _taking._command is null || _appended.IsCompleted;

        public ClaimTaken GetResult() =>
            _taking._asking is { } asking ? asking.GetAwaiter().GetResult()
            : _taking._command is { } command ? CouponDoor.Taken(_taking._follower!, command, _appended.GetResult())
            : _taking._known;

        public void OnCompleted(Action continuation)
        {
            if (_taking._asking is { } asking)
                asking.GetAwaiter().OnCompleted(continuation);
            else
                _appended.OnCompleted(continuation);
        }

        public void UnsafeOnCompleted(Action continuation)
        {
            if (_taking._asking is { } asking)
                asking.GetAwaiter().UnsafeOnCompleted(continuation);
            else
                _appended.UnsafeOnCompleted(continuation);
        }
    }
}
