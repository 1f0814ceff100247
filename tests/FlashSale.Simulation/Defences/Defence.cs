namespace FlashSale.Simulation.Defences;

/// <summary>A defence of the code, and how it is taken away: a text of a source file of Core, found there exactly once, is replaced.</summary>
/// <param name="With">Another one that stands behind it and is taken away as well.</param>
internal sealed record Defence(string Name, string File, string Find, string Replacement, Defence? With = null);
