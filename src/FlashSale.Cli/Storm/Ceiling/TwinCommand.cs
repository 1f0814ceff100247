using System.CommandLine;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace FlashSale.Cli.Storm.Ceiling;

/// <summary>
/// flashsale storm twin: the same web server as FlashSale's, without FlashSale. It reads each request and answers 202 with the same ticket;
/// it prints its address, and ends with its standard input, that is with whoever started it. Not shown in the help.
/// </summary>
internal static class TwinCommand
{
    public const string Name = "twin";

    // As long as a real answer.
    private static readonly byte[] Answer =
        """{"ticket":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","state":"waiting","position":0,"statusUrl":"/api/claims/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"""u8.ToArray();

    public static Command Create()
    {
        Option<bool> http2 = new("--http2");
        var command = new Command(Name) { http2 };
        command.Hidden = true;
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(http2), parsed.InvocationConfiguration.Output, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(bool http2, TextWriter output, CancellationToken cancellation)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);
        });
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);
        await using WebApplication app = builder.Build();
        app.Run(AnswerAsync);
        await app.StartAsync(cancellation);
        await output.WriteLineAsync(app.Urls.First());
        await Console.In.ReadToEndAsync(cancellation);
        await app.StopAsync(cancellation);
        return ExitCodes.Ok;
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        await context.Request.BodyReader.CopyToAsync(Stream.Null);
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = Answer.Length;
        await context.Response.BodyWriter.WriteAsync(Answer);
    }
}
