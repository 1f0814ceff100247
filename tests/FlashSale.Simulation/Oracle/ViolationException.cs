namespace FlashSale.Simulation;

/// <summary>An invariant does not hold.</summary>
/// <param name="invariant">Its number in docs/exactness.md.</param>
internal sealed class ViolationException(string invariant, string message) : Exception(message)
{
    public string Invariant => invariant;
}
