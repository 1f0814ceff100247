using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlashSale.Core.Door;

namespace FlashSale.Server.Http;

/// <summary>A refusal as RFC 9457 problem details. Its type is <c>urn:flashsale:CODE</c>.</summary>
/// <param name="Errors">With <c>invalid-request</c>: what is wrong with each field.</param>
/// <param name="RetryAfter">When trying again makes sense; goes into the header.</param>
public sealed record Problem(
    int Status, string Code, string Title, string? Detail = null, IReadOnlyDictionary<string, string>? Errors = null,
    [property: JsonIgnore] TimeSpan? RetryAfter = null) : IResult
{
    private const string ContentType = "application/problem+json";

    /// <summary>The bodies of the door's refusals, which say the same each time: after sold out nothing is answered as often.</summary>
    private static readonly byte[][] RefusalBodies = [.. Enum.GetValues<DoorRefusal>().Select(r => r == DoorRefusal.None ? [] : Of(r).Encode())];

    public string Type => $"urn:flashsale:{Code}";

    public static Problem Invalid(IReadOnlyDictionary<string, string> errors) =>
        new(400, "invalid-request", "The request is not valid.", string.Join("; ", errors.Select(e => $"{e.Key}: {e.Value}")), errors);

    public static Problem Invalid(string field, string error) => Invalid(new Dictionary<string, string> { [field] = error });

    public static Problem Unauthorized(string detail) => new(401, "unauthorized", "Who is calling is not known.", detail);

    public static Problem Forbidden(string detail) => new(403, "forbidden", "The caller may not do this.", detail);

    public static Problem NotFound(string code, string title) => new(404, code, title);

    public static Problem Of(DoorRefusal refusal, TimeSpan retryAfter = default) => refusal switch
    {
        DoorRefusal.CampaignUnknown => new(404, refusal.Code(), "There is no such campaign."),
        DoorRefusal.NotOpen => new(409, refusal.Code(), "The campaign is not open yet."),
        DoorRefusal.Closed => new(409, refusal.Code(), "The campaign is closed."),
        DoorRefusal.SoldOut => new(409, refusal.Code(), "All coupons of the campaign are issued."),
        DoorRefusal.TooManyRequests => new(429, refusal.Code(), "This user asks too often.", RetryAfter: retryAfter),
        DoorRefusal.Overloaded => new(503, refusal.Code(), "More is waiting than can be decided soon.", RetryAfter: TimeSpan.FromSeconds(1)),
        DoorRefusal.LogUnavailable => new(503, refusal.Code(), "The log did not acknowledge the request.",
            "It may count nevertheless. Repeated with the same Idempotency-Key it is the same request.", RetryAfter: TimeSpan.FromSeconds(1)),
        DoorRefusal.NotReady => new(503, refusal.Code(), "This node is still starting.", RetryAfter: TimeSpan.FromSeconds(1)),
        _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal, "not a refusal"),
    };

    /// <summary>Answers with a refusal of the door.</summary>
    public static Task AnswerAsync(HttpContext context, DoorRefusal refusal, TimeSpan retryAfter) =>
        Of(refusal, retryAfter).WriteAsync(context, RefusalBodies[(int)refusal]);

    public Task ExecuteAsync(HttpContext httpContext) => WriteAsync(httpContext, Encode());

    private byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, ServerJson.Default.Problem);

    private Task WriteAsync(HttpContext context, byte[] body)
    {
        var response = context.Response;
        response.StatusCode = Status;
        if (RetryAfter is { } after)
            response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(after.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (Status == 401)
            response.Headers.WWWAuthenticate = "Bearer";
        response.ContentType = ContentType;
        return response.WriteWholeAsync(body);
    }
}

/// <summary>The codes of the door's refusals, as callers and metrics see them.</summary>
internal static class DoorRefusalCodes
{
    public static string Code(this DoorRefusal refusal) => refusal switch
    {
        DoorRefusal.CampaignUnknown => "campaign-unknown",
        DoorRefusal.NotOpen => "not-open",
        DoorRefusal.Closed => "closed",
        DoorRefusal.SoldOut => "sold-out",
        DoorRefusal.TooManyRequests => "too-many-requests",
        DoorRefusal.Overloaded => "overloaded",
        DoorRefusal.LogUnavailable => "log-unavailable",
        // A node that is still starting is as far behind the decisions as one can be; the interface has no code of its own for it.
        DoorRefusal.NotReady => "overloaded",
        _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal, "not a refusal"),
    };
}
