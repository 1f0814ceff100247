using System.CommandLine;

namespace FlashSale.Cli.Storm.Ceiling;

/// <summary>flashsale storm ceiling</summary>
internal static class CeilingCommand
{
    public static Command Create()
    {
        Option<int> connections = new Option<int>("--connections") { Description = "Claims in flight.", DefaultValueFactory = _ => CeilingRun.Connections, HelpName = "N" }.Between(1, 10_000);
        Option<bool> http2 = new("--http2") { Description = "HTTP/2 without TLS." };
        var command = new ExampleCommand(
            "ceiling",
            "Measures what this generator reaches against a server that does nothing, which it starts for that: a storm far below it measures the server, not the generator.",
            "flashsale storm ceiling --connections 64")
        {
            connections,
            http2,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            CeilingRow ceiling = await CeilingRun.MeasureAsync(parsed.GetValue(connections), parsed.GetValue(http2), cancellation);
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"ceiling  {ceiling.Describe()}");
            return ExitCodes.Ok;
        });
        return command;
    }
}
