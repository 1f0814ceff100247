using System.ComponentModel.DataAnnotations;

namespace FlashSale.Core.Configuration;

/// <summary>Addresses of servers: <c>host:port</c>, several separated by commas.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class EndpointsAttribute : ValidationAttribute
{
    public EndpointsAttribute() => ErrorMessage = "host:port, several separated by commas, with ports from 1 to 65535";

    public override bool IsValid(object? value) => value is string endpoints && endpoints.Split(',').All(e => IsEndpoint(e.Trim()));

    private static bool IsEndpoint(string endpoint)
    {
        var colon = endpoint.LastIndexOf(':');
        return colon > 0 && int.TryParse(endpoint.AsSpan(colon + 1), out var port) && port is >= 1 and <= 65535;
    }
}
