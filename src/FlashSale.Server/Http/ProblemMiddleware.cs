using Microsoft.AspNetCore.Diagnostics;

namespace FlashSale.Server.Http;

/// <summary>Gives every refusal that is not an endpoint's own the form of problem details.</summary>
internal static class ProblemMiddleware
{
    public static void UseProblems(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            AllowStatusCode404Response = true,
            ExceptionHandler = context => AnswerAsync(context, context.Features.Get<IExceptionHandlerFeature>()!.Error),
        });
        app.UseStatusCodePages(context => Of(context.HttpContext.Response.StatusCode).ExecuteAsync(context.HttpContext));
    }

    /// <summary>The problem of a status that has no more specific one.</summary>
    public static Problem Of(int status) => status switch
    {
        404 => new(404, "not-found", "There is nothing at this address."),
        405 => new(405, "method-not-allowed", "The address does not take this method."),
        413 => new(413, "too-large", "The body is larger than 16 KB."),
        415 => new(415, "unsupported-media-type", "The body must be application/json."),
        >= 500 => new(status, "internal-error", "The server failed; its log says why."),
        _ => new(status, "invalid-request", "The request is not valid."),
    };

    /// <summary>Answers a request whose handling has thrown.</summary>
    public static Task AnswerAsync(HttpContext context, Exception fault)
    {
        if (fault is BadHttpRequestException bad)
            return Of(bad.StatusCode).ExecuteAsync(context);
        if (context.RequestAborted.IsCancellationRequested)
            return Task.CompletedTask;
        ServerLogMessages.RequestFailed(
            context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(nameof(ProblemMiddleware)),
            context.Request.Method, context.Request.Path, fault);
        return Of(500).ExecuteAsync(context);
    }
}
