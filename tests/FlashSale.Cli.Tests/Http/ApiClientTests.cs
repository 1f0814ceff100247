using System.Net;
using System.Net.Sockets;
using FlashSale.Cli.Http;

namespace FlashSale.Cli.Tests.Http;

public sealed class ApiClientTests
{
    /// <summary>So that some connections, about one of 200, are reset between having been made and being looked at.</summary>
    private const int Calls = 5_000;

    [Fact]
    public async Task Call_ServerResetsEveryConnection_AlwaysFailsWithOneLine()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var stop = new CancellationTokenSource();
        Task resetting = Task.Run(() => ResetAllAsync(listener, stop.Token));
        using var api = new ApiClient($"http://{listener.LocalEndPoint}", apiKey: null);
        await Parallel.ForEachAsync(Enumerable.Range(0, Calls), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, cancellation) =>
        {
            CliException e = await Assert.ThrowsAsync<CliException>(() => api.FindCampaignAsync("spring", cancellation));
            Assert.StartsWith($"{api.Url} does not answer: ", e.Message, StringComparison.Ordinal);
        });
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resetting);
    }

    private static async Task ResetAllAsync(Socket listener, CancellationToken stop)
    {
        while (true)
        {
            using Socket connection = await listener.AcceptAsync(stop);
            // Closed with unsent data dropped and without waiting: that is a reset.
            connection.LingerState = new LingerOption(enable: true, seconds: 0);
        }
    }
}
