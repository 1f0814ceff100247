using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace FlashSale.Server.Http;

/// <summary>A response of server-sent events (WHATWG HTML, "Server-sent events").</summary>
internal sealed class EventStream : IAsyncDisposable
{
    private readonly HttpContext _context;

    private EventStream(HttpContext context) => _context = context;

    public static async Task<EventStream> BeginAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        await context.Response.Body.FlushAsync(context.RequestAborted);
        return new EventStream(context);
    }

    /// <summary>Sends an event at once.</summary>
    public async Task SendAsync<T>(string name, T data, JsonTypeInfo<T> type)
    {
        await WriteAsync(name, data, type);
        await FlushAsync();
    }

    /// <summary>Writes an event, to be sent with the next flush.</summary>
    public Task WriteAsync<T>(string name, T data, JsonTypeInfo<T> type) =>
        _context.Response.WriteAsync($"event: {name}\ndata: {JsonSerializer.Serialize(data, type)}\n\n", _context.RequestAborted);

    public Task FlushAsync() => _context.Response.Body.FlushAsync(_context.RequestAborted);

    /// <summary>Sends a comment, so that proxies and watchers see that the stream lives.</summary>
    public async Task BeatAsync()
    {
        await _context.Response.WriteAsync(":\n\n", _context.RequestAborted);
        await FlushAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_context.RequestAborted.IsCancellationRequested)
            await _context.Response.CompleteAsync();
    }
}
