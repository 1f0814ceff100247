using System.Runtime.CompilerServices;
using FlashSale.Core.Coupons;

namespace FlashSale.Core.Door;

/// <summary>
/// A claim on its way through the door: awaited once, it yields the answer. Most wait for the append of their command, which takes no
/// memory of its own (see <see cref="Appending"/>); others are answered at once, or ask the state.
/// </summary>
public readonly struct ClaimTaking
{
    private readonly Task<ClaimTaken>? _answered;
    private readonly CouponFollower? _follower;
    private readonly CouponCommand? _command;
    private readonly Appending _appending;

    internal ClaimTaking(ClaimTaken answer) => _answered = Task.FromResult(answer);

    internal ClaimTaking(Task<ClaimTaken> answered) => _answered = answered;

    internal ClaimTaking(CouponFollower follower, CouponCommand command, Appending appending) =>
        (_follower, _command, _appending) = (follower, command, appending);

    public Awaiter GetAwaiter() => new(this);

    /// <summary>What <c>await</c> needs.</summary>
    public readonly struct Awaiter : ICriticalNotifyCompletion
    {
        private readonly ClaimTaking _taking;

        internal Awaiter(ClaimTaking taking) => _taking = taking;

        public bool IsCompleted => _taking._answered?.IsCompleted ?? _taking._appending.GetAwaiter().IsCompleted;

        public ClaimTaken GetResult() =>
            _taking._answered is { } answered ? answered.GetAwaiter().GetResult() : CouponDoor.Taken(_taking._follower!, _taking._command!, _taking._appending.GetAwaiter().GetResult());

        public void OnCompleted(Action continuation)
        {
            if (_taking._answered is { } answered)
                answered.GetAwaiter().OnCompleted(continuation);
            else
                _taking._appending.GetAwaiter().OnCompleted(continuation);
        }

        public void UnsafeOnCompleted(Action continuation)
        {
            if (_taking._answered is { } answered)
                answered.GetAwaiter().UnsafeOnCompleted(continuation);
            else
                _taking._appending.GetAwaiter().UnsafeOnCompleted(continuation);
        }
    }
}
