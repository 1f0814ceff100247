namespace FlashSale.Cli.Storm.Ceiling;

/// <summary>What the generator reaches in a closed loop against the twin, a server in another process that answers every claim with the same 202.</summary>
/// <param name="PerSecond">Claims per second.</param>
/// <param name="GeneratorMicroseconds">CPU time of the generator per claim.</param>
/// <param name="TwinMicroseconds">CPU time of the twin per claim.</param>
internal sealed record CeilingRow(double PerSecond, double GeneratorMicroseconds, double TwinMicroseconds, int Connections, bool Http2)
{
    /// <param name="load">What it is compared with; it is told where that goes another way.</param>
    public string Describe(LoadRow? load = null)
    {
        string protocol = Http2 ? "HTTP/2" : "HTTP/1.1";
        string other = load is null || load.Http2 == Http2 ? "" : ", unlike this storm";
        return $"{PerSecond:N0} claims/s over {protocol}{other} with {Connections:N0} in flight against a server that does nothing "
            + $"({GeneratorMicroseconds:0.0} us of CPU per claim here, {TwinMicroseconds:0.0} us there)";
    }
}
