using System.Globalization;
using System.Net.Sockets;
using FlashSale.Server.Auth;
using FlashSale.Server.Coupons;
using FlashSale.Server.Http;
using FlashSale.Server.Live;
using FlashSale.Server.Operations;

namespace FlashSale.Server.Hosting;

/// <summary>Puts the process together and runs it.</summary>
public static class ServerHost
{
    /// <summary>A claim's body has one id; a campaign's a name and a few numbers.</summary>
    private const long RequestBytesMax = 16 * 1024;

    /// <summary>Runs the server until it is told to stop. Returns 0, or 1 with one line on the standard error for each thing that is wrong.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        HandleOnSocketThreads();
        WebApplication app;
        try
        {
            app = Build(args);
        }
        catch (SettingsException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }

        await using (app)
        {
            try
            {
                await app.StartAsync();
            }
            catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException || e.InnerException is SocketException)
            {
                await Console.Error.WriteLineAsync($"{e.Message} Set ASPNETCORE_URLS or --urls to another one");
                return 1;
            }

            await app.WaitForShutdownAsync();
            return app.Services.GetRequiredService<Node>().Fatal is null ? 0 : 1;
        }
    }

    /// <summary>
    /// Requests are handled on the threads that wait for the sockets, so that none is handed from thread to thread before its
    /// command has been gathered: nothing on that way may block. To be called before the first socket is made; the runtime has
    /// no other way to say it. At 10,000 claims/s on two cores, in turns, p99 of the 202 was 15.7 and 17.5 ms with it, 19.6 and 26.8 ms without.
    /// One thread for two cores: with one for each, a crowd that is refused and asks again at once leaves deciding no core (docs/architecture.md).
    /// </summary>
    internal static void HandleOnSocketThreads()
    {
        SetUnlessSet("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", 1);
        SetUnlessSet("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", Math.Max(1, Environment.ProcessorCount / 2));

        static void SetUnlessSet(string name, int value)
        {
            if (Environment.GetEnvironmentVariable(name) is null)
                Environment.SetEnvironmentVariable(name, value.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>How connections and requests are handled, and what is logged of them.</summary>
    internal static void UseTransport(WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders().AddSimpleConsole(o =>
        {
            o.SingleLine = true;
            o.TimestampFormat = "HH:mm:ss.fff ";
        });
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("Streamiz", LogLevel.Warning);
        // Else every request gets an activity and a logging scope for the rare one that fails; the server logs that one by itself.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = RequestBytesMax;
        });
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);
    }

    /// <exception cref="SettingsException">The settings are not valid.</exception>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        var settings = Settings.Read(builder.Configuration, builder.Environment.IsDevelopment());
        UseTransport(builder);
        builder.Services
            .Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(5))
            .AddSingleton(settings)
            .AddSingleton(settings.Auth)
            .AddSingleton(TimeProvider.System)
            .AddSingleton(new Core.Coupons.TicketSigner(settings.TicketKeys))
            .AddSingleton<Node>()
            .AddSingleton<Telemetry>()
            .AddSingleton<MetricsExporter>()
            .AddSingleton<LiveHub>()
            .AddHostedService<LiveTicker>()
            .AddSingleton<Observers>()
            .AddSingleton<Callers>()
            .AddSingleton<Api>()
            .AddHostedService<NodeService>()
            .AddOpenApi("v1")
            .ConfigureHttpJsonOptions(o => o.SerializerOptions.TypeInfoResolverChain.Insert(0, ServerJson.Default));

        var app = builder.Build();
        NodeMetrics.Register(app.Services.GetRequiredService<Telemetry>(), app.Services.GetRequiredService<Node>(), app.Services.GetRequiredService<LiveHub>());
        // Made now and not with the first request for metrics, so that it counts from the start.
        app.Services.GetRequiredService<MetricsExporter>();
        app.UseProblems();
        app.MapHealth();
        app.MapOperations();
        app.MapOpenApi();
        if (settings.Roles.HasFlag(Roles.Api))
        {
            app.UsePage();
            app.MapCampaigns();
            app.MapClaims();
            app.MapUsers();
            app.MapLive();
        }

        return app;
    }
}
