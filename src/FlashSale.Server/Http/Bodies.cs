using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace FlashSale.Server.Http;

/// <summary>Reads JSON bodies with errors that name the field, and writes whole ones.</summary>
internal static class Bodies
{
    public static async ValueTask<(T? Body, Problem? Problem)> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type) where T : class
    {
        if (context.Request.ContentType != "application/json" && !context.Request.HasJsonContentType())
            return (null, ProblemMiddleware.Of(415));
        try
        {
            var body = await ReadWholeAsync(context.Request.BodyReader, type);
            return body is null ? (null, Problem.Invalid("body", "must be a JSON object")) : (body, null);
        }
        catch (JsonException e)
        {
            // The reader's own fault is one of syntax; the path then only says how far it came.
            var field = e.InnerException is JsonException || string.IsNullOrEmpty(e.Path) || e.Path == "$" ? "body" : e.Path.TrimStart('$', '.');
            return (null, Problem.Invalid(field, field == "body" ? "is not valid JSON, or no JSON object" : "has the wrong type or format"));
        }
    }

    /// <summary>Writes an answer in JSON.</summary>
    public static Task WriteWholeAsync<T>(this HttpResponse response, T body, JsonTypeInfo<T> type) =>
        response.WriteJsonAsync(JsonSerializer.SerializeToUtf8Bytes(body, type));

    /// <summary>Writes an answer that is JSON already.</summary>
    public static Task WriteJsonAsync(this HttpResponse response, byte[] json)
    {
        response.ContentType = "application/json; charset=utf-8";
        return response.WriteWholeAsync(json);
    }

    /// <summary>Writes a body whose length is told beforehand, so that the answer is one write.</summary>
    public static Task WriteWholeAsync(this HttpResponse response, byte[] body)
    {
        response.ContentLength = body.Length;
        // The request's own token would be made for it: a write to a caller who is gone ends without it.
        return response.Body.WriteAsync(body, 0, body.Length, CancellationToken.None);
    }

    /// <summary>Takes the body apart once all of it is there: most bodies arrive with their headers, and the serializer's own waiting costs more than the rest.</summary>
    private static async ValueTask<T?> ReadWholeAsync<T>(PipeReader reader, JsonTypeInfo<T> type)
    {
        var read = await reader.ReadAsync();
        while (!read.IsCompleted)
        {
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            read = await reader.ReadAsync();
        }

        try
        {
            return Parse(read.Buffer, type);
        }
        finally
        {
            reader.AdvanceTo(read.Buffer.End);
        }
    }

    private static T? Parse<T>(in ReadOnlySequence<byte> json, JsonTypeInfo<T> type)
    {
        var reader = new Utf8JsonReader(json);
        var value = JsonSerializer.Deserialize(ref reader, type);
        // Throws where anything but white space follows.
        reader.Read();
        return value;
    }
}
