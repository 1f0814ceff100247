using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace FlashSale.Server.Http;

/// <summary>Reads JSON bodies with errors that name the field.</summary>
internal static class RequestBody
{
    public static async ValueTask<(T? Body, Problem? Problem)> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type) where T : class
    {
        if (!context.Request.HasJsonContentType())
            return (null, ProblemMiddleware.Of(415));
        try
        {
            var body = await JsonSerializer.DeserializeAsync(context.Request.BodyReader, type, context.RequestAborted);
            return body is null ? (null, Problem.Invalid("body", "must be a JSON object")) : (body, null);
        }
        catch (JsonException e)
        {
            // The reader's own fault is one of syntax; the path then only says how far it came.
            var field = e.InnerException is JsonException || string.IsNullOrEmpty(e.Path) || e.Path == "$" ? "body" : e.Path.TrimStart('$', '.');
            return (null, Problem.Invalid(field, field == "body" ? "is not valid JSON, or no JSON object" : "has the wrong type or format"));
        }
    }
}
